"""The command ``gammainfra demo``: an agent task survives failing providers, without a key and without a network.

It decides the command's flags and its exit status. The parts: weather (which request fails, and how), backstage (the
pretended providers and the real gateway), agent (a tool-calling loop on the official client), unaided (the same without
the gateway), screen (what is seen), outcome (what it came to), play (the order of it all).
"""

from __future__ import annotations

import argparse
import importlib.util

from gammainfra.cli.options import complain

STEPS = 30
SEED = 7
_FEWEST, _MOST = 8, 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``demo``."""
    parser.add_argument("--steps", type=_steps, default=STEPS, help=f"turns, {_FEWEST} to {_MOST} (default {STEPS})")
    parser.add_argument("--seed", type=int, default=SEED, help="what fails when; the same seed, the same failures")
    parser.add_argument("--fast", action="store_true", help="providers answer at once instead of at a model's pace")
    parser.add_argument("--json", action="store_true", help="no show: print the outcome as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Play; the status is 0 when every step was done and the agent saw no error, 130 after Ctrl-C."""
    if importlib.util.find_spec("openai") is None:
        return complain("the demo drives the official openai client: pip install 'gammainfra[demo]'")
    # These import the client.
    from gammainfra.cli.demo.play import Play, perform
    from gammainfra.cli.demo.screen import Screen

    play = Play(steps=arguments.steps, seed=arguments.seed, fast=arguments.fast)
    screen = Screen(quiet=arguments.json)
    try:
        outcome = perform(play, screen)
    except KeyboardInterrupt:
        screen.close()
        complain("stopped; nothing is left behind")
        return 130
    if arguments.json:
        print(outcome.to_json())
    else:
        screen.show_outcome(outcome)
    return 0 if outcome.good else 1


def _steps(text: str) -> int:
    if not (text.isascii() and text.isdigit() and _FEWEST <= int(text) <= _MOST):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of steps from {_FEWEST} to {_MOST}")
    return int(text)
