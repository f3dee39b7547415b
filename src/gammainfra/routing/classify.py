"""What kind of work a request is: one of eight labels, or one of two lanes for what needs tools or pictures.

Simple explained rules: words that ask for a kind of work, each with a weight. The last words of the *user* are read,
never a tool's result (whoever writes a web page or a file must not steer the route). A turn that only answers tools,
and a turn of a few words, inherits what the task was before.
"""

# ruff: noqa: RUF001 - words of many languages
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from gammainfra.domain.session import SessionView
from gammainfra.domain.sketch import Sketch

Label = Literal[
    "reasoning", "code", "creative", "rewrite", "chat", "extraction", "summarize", "translation", "tools", "multimodal"
]
TEXT_LABELS: Final[tuple[Label, ...]] = (
    "reasoning",
    "code",
    "creative",
    "rewrite",
    "chat",
    "extraction",
    "summarize",
    "translation",
)

# The instruction stands at the beginning or at the end; what lies between is the text to work on.
_HEAD_CHARS: Final = 460
_TAIL_CHARS: Final = 240
_FEW_WORDS: Final = 8
_OPENING_WORDS: Final = 6  # among these a word counts double: "Translate: write a story ..." is a translation
_ENOUGH: Final = 2

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_FIGURE: Final = re.compile(r"\d+")
_FIGURES_OF_A_SUM: Final = 3

# Words that ask for a kind of work, in the languages that are written with blanks. Weight 3 names the work itself,
# 2 asks for it, 1 hints at it.
_ASKS: Final[Mapping[Label, Mapping[int, str]]] = {
    "translation": {
        3: (
            "translate translation translating übersetze übersetzen übersetzung traduce traducir traduis traduire "
            "traduisez traduction traduci tradurre traduza traduzir tradução vertaal vertalen przetłumacz przełóż "
            "переведи перевести перевод çevir ترجم अनुवाद"
        ),
    },
    "summarize": {
        3: (
            "summarize summarise summarizing summary summaries tldr zusammenfassen zusammenfassung resume resumen "
            "résume résumer résumez résumé riassumi riassunto resuma resumo resumir samenvatting streszczenie "
            "streść podsumuj кратко резюмируй перескажи özetle özet لخص सारांश"
        ),
        2: "outline highlights gist condense fasse recap headline",
        1: "briefly shorten points",
    },
    "rewrite": {
        3: (
            "rewrite rephrase paraphrase proofread reword umformulieren formuliere korrigiere reescribe corrige "
            "reformule corrigez riscrivi correggi reescreva corrija herschrijf verbeter przeredaguj popraw "
            "перепиши исправь düzelt صحح सुधारो"
        ),
        2: "grammar polite formal polish simplify",
        1: "improve tone style edit sentence",
    },
    "code": {
        3: (
            "python javascript typescript golang java kotlin sql regex html css docker bash compiler stacktrace "
            "traceback refactor debug unittest pytest بايثون пайтон"
        ),
        2: (
            "function code program algorithm script api bug class método función funktion fonction funzione "
            "função functie funkcję funkcję функцию код fonksiyonu kod دالة"
        ),
        1: "array string loop query implement variable exception",
    },
    "extraction": {
        3: "extract extrahiere extrae extraire extrayez estrai extraia wyodrębnij извлеки استخرج çıkar",
        2: "sentiment classify categorize classification entities json category haal",
        1: "review list names dates identify positive negative context article passage following rating",
    },
    "creative": {
        3: (
            "poem story haiku lyrics limerick gedicht geschichte poema cuento poème histoire poesia racconto "
            "conto verhaal wiersz opowiadanie стихотворение рассказ сказку şiir hikaye قصيدة قصة कविता कहानी"
        ),
        2: "dialogue song slogan tagline title screenplay fiction imagine brainstorm character",
        1: "write create compose creative funny",
    },
    "reasoning": {
        3: (
            "prove solve calculate compute theorem equation probability integral derivative berechne löse calcula "
            "calcule résous calcola risolvi resolva bereken oblicz rozwiąż докажи вычисли реши hesapla احسب"
        ),
        2: (
            "how many much total per remaining divisible puzzle logic therefore entail implies conclude wie viele "
            "viel cuántos combien quanti quantos hoeveel ile сколько kaç"
        ),
        1: "each every twice half left more than if why step reason true false",
    },
    "chat": {
        2: (
            "hello hi thanks hallo hola bonjour ciao olá merhaba cześć привет مرحبا नमस्ते opinion recommend "
            "denkst piensas penses pensi acha sądzisz düşünüyorsun"
        ),
        1: "who what when where which think feel advice help",
    },
}
# The same for languages written without blanks, looked up anywhere in the text; each counts as a word of weight 3.
_MARKS: Final[tuple[tuple[str, Label], ...]] = (
    ("翻译", "translation"),
    ("翻譯", "translation"),
    ("訳して", "translation"),
    ("번역", "translation"),
    ("总结", "summarize"),
    ("摘要", "summarize"),
    ("概括", "summarize"),
    ("要約", "summarize"),
    ("요약", "summarize"),
    ("改写", "rewrite"),
    ("润色", "rewrite"),
    ("直して", "rewrite"),
    ("書き換え", "rewrite"),
    ("고쳐", "rewrite"),
    ("代码", "code"),
    ("函数", "code"),
    ("コード", "code"),
    ("関数", "code"),
    ("코드", "code"),
    ("함수", "code"),
    ("提取", "extraction"),
    ("抽出", "extraction"),
    ("추출", "extraction"),
    ("写一首", "creative"),
    ("故事", "creative"),
    ("物語", "creative"),
    ("이야기", "creative"),
    ("计算", "reasoning"),
    ("证明", "reasoning"),
    ("計算", "reasoning"),
    ("계산", "reasoning"),
)
_WEIGHTS: Final[Mapping[str, tuple[Label, int]]] = {
    word: (label, weight)
    for label, by_weight in _ASKS.items()
    for weight, words in by_weight.items()
    for word in words.split()
}


def label_of(sketch: Sketch, session: SessionView | None) -> Label:
    """The label of one request, and so the column of the quality table that counts.

    Tools make the lane ``tools``: what counts for an agent's step is that calls come out right. Else pictures make
    ``multimodal``. Else the last user text decides, unless it is short or answers a tool.
    """
    if sketch.n_tools > 0:
        return "tools"
    if "images" in sketch.needs:
        return "multimodal"
    before = _inherited(session)
    if sketch.roles and sketch.roles[-1] == "tool":
        return before or "chat"
    words = _words(sketch.last_user)
    if len(words) < _FEW_WORDS and before is not None:
        return before
    return _by_words(words, sketch.last_user)


def _inherited(session: SessionView | None) -> Label | None:
    """The text label that the task had, None when it had none."""
    if session is None:
        return None
    return next((label for label in TEXT_LABELS if label == session.label), None)


def _words(text: str) -> list[str]:
    if len(text) > _HEAD_CHARS + _TAIL_CHARS:
        text = f"{text[:_HEAD_CHARS]} {text[-_TAIL_CHARS:]}"
    return _WORD.findall(text.lower())


def _by_words(words: list[str], text: str) -> Label:
    """The label with the greatest sum of weights; ``chat`` when no sum says enough."""
    sums: dict[Label, int] = dict.fromkeys(TEXT_LABELS, 0)
    for place, word in enumerate(words):
        if (found := _WEIGHTS.get(word)) is not None:
            label, weight = found
            sums[label] += 2 * weight if place < _OPENING_WORDS else weight
    head = text[:_HEAD_CHARS]
    if "```" in head:
        sums["code"] += 3
    if len(_FIGURE.findall(head)) >= _FIGURES_OF_A_SUM:
        sums["reasoning"] += 1
    if not head.isascii():
        for mark, label in _MARKS:
            if mark in head:
                sums[label] += 3
    best = max(TEXT_LABELS, key=sums.__getitem__)
    return best if sums[best] >= _ENOUGH else "chat"
