"""The Run's decisions as conversations: ``>>`` is an event, ``<<`` the next action that follows; ``at`` moves the time.

Every branch of routing/run.py is met here by name; test_run_closure.py explores the states in between.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from gammainfra.domain import limits
from gammainfra.domain.failure import Cause, Failure, Fix
from gammainfra.routing import run as r

CUT = Failure(Cause.CUT, "")
LIMITED = Failure(Cause.RATE_LIMIT, "", retry_after_s=3.0)
DOWN = Failure(Cause.SERVER_ERROR, "")
WRONG = Failure(Cause.INVALID_REQUEST, "")
POOR = Failure(Cause.BILLING, "")
REPAIRABLE = Failure(Cause.UNSUPPORTED_PARAMETER, "", fix=Fix.DROP_PARAMETER, parameter="seed")
OVERFLOW = Failure(Cause.CONTEXT_OVERFLOW, "")
ONE, TWO = (r.Option(),), (r.Option(), r.Option())
HEDGED = (r.Option(hedge_after_s=1.0), r.Option())
AGENT = r.Terms(TWO, stream=True, tools=True)
CHAT = r.Terms(TWO, stream=True, tools=False)
WHOLE = r.Terms(TWO, stream=False, tools=True)
LATER = r.SetTimer("grace", limits.USAGE_GRACE_S)


class Talk:
    """One Run, and what it said that was not read yet. Timers for the head are set unread."""

    def __init__(self, terms: r.Terms) -> None:
        self.run = r.Run(terms)
        self.now = 0.0
        self.said = [one for one in self.run.begin(0.0) if one != r.SetTimer("head", terms.head_after_s)]

    def __rshift__(self, event: r.Event) -> Talk:
        assert self.said == []
        self.said = self.run.on(event, self.now)
        return self

    def __lshift__(self, action: r.Action) -> Talk:
        assert self.said[:1] == [action]
        del self.said[0]
        return self

    def at(self, now: float) -> Talk:
        self.now = now
        return self

    def check_quiet(self) -> None:
        """Nothing else followed."""
        assert self.said == []

    def check_over(self) -> None:
        """The Turn has ended, and nothing follows any more."""
        assert self.said == []
        assert self.run.phase is r.Phase.ENDED
        assert self.run.legs == {}
        for event in (r.Stop(), r.Settled(), r.AudienceJoined(), r.LegFailed(1, CUT)):
            assert self.run.on(event, self.now) == []


def talk(terms: r.Terms = AGENT, **changes: object) -> Talk:
    return Talk(replace(terms, **changes))  # type: ignore[arg-type]


def asked(terms: r.Terms = AGENT, **changes: object) -> Talk:
    """The first candidate is asked."""
    t = talk(terms, **changes)
    while t.said != [r.Fund(1, 0)]:
        assert isinstance(t.said.pop(0), r.SetTimer)
    return t << r.Fund(1, 0) >> r.Funded(1) << r.Start(1, stitched=False)


def speaking(terms: r.Terms = AGENT, **changes: object) -> Talk:
    """The first candidate has said text, and a reader has seen it."""
    t = asked(terms, **changes) >> r.Useful(1, text=True)
    return t << r.SendHead() << r.Release(1) if terms.stream else t << r.Release(1)


# ---- the straight way ------------------------------------------------------------------------------------------------
def test_an_answer_is_asked_for_told_settled_and_ended() -> None:
    t = speaking() >> r.Useful(1, text=True) >> r.Finished(1) << LATER >> r.UsageFinal(1) << r.Settle("served", 1)
    (t >> r.Settled() << r.End("served")).check_over()


def test_an_answer_that_finishes_at_once_is_told_and_finished_in_one_breath() -> None:
    t = asked() >> r.Finished(1) << r.SendHead() << r.Release(1) << LATER >> r.Finished(1) >> r.GraceOver()
    (t << r.Cancel(1, "stop") << r.Settle("served", 1) >> r.GraceOver() >> r.Settled() << r.End("served")).check_over()


def test_what_breaks_after_the_finish_settles_at_once() -> None:
    t = speaking() >> r.Finished(1) << LATER >> r.LegFailed(1, CUT) << r.Settle("served", 1)
    (t >> r.UsageFinal(1) >> r.Settled() << r.End("served")).check_over()


def test_usage_that_comes_twice_settles_once() -> None:
    t = speaking() >> r.Finished(1) << LATER >> r.UsageFinal(1) << r.Settle("served", 1) >> r.UsageFinal(1)
    (t >> r.Settled() << r.End("served")).check_over()


def test_a_whole_answer_sends_no_head_of_its_own() -> None:
    t = speaking(WHOLE) >> r.HeadDue() >> r.Finished(1) << LATER >> r.UsageFinal(1) << r.Settle("served", 1)
    (t >> r.Settled() << r.End("served")).check_over()


def test_events_of_legs_that_are_not_live_change_nothing() -> None:
    t = asked() >> r.Funded(1) >> r.Funded(7) >> r.Useful(7, text=True) >> r.Finished(7) >> r.UsageFinal(1)
    t >> r.LegFailed(7, CUT) >> r.Unfunded(1, POOR) >> r.Unfunded(7, POOR) >> r.Settled() >> r.GraceOver() >> r.Wake()
    t >> r.SleepRefused() >> r.LingerOver()
    assert t.run.phase is r.Phase.SEEK


# ---- failures --------------------------------------------------------------------------------------------------------
def test_a_failure_before_the_first_word_goes_to_the_next_candidate() -> None:
    t = asked() >> r.LegFailed(1, DOWN) << r.Fund(2, 1) >> r.Funded(2) << r.Start(2, stitched=False)
    t >> r.Useful(2, text=False) << r.SendHead() << r.Release(2)
    assert not t.run.shown


def test_a_request_that_is_wrong_everywhere_ends_at_once() -> None:
    t = asked() >> r.LegFailed(1, WRONG) << r.Settle("failed", None)
    (t >> r.Settled() << r.End("failed")).check_over()


def test_a_leg_that_cannot_be_paid_for_is_dropped() -> None:
    t = talk() << r.Fund(1, 0) >> r.Unfunded(1, POOR) << r.Fund(2, 1) >> r.Unfunded(2, CUT)
    (t << r.Settle("failed", None) >> r.Settled() << r.End("failed")).check_over()
    assert t.run.last_failure is POOR


def test_text_that_broke_is_stitched_for_an_agent() -> None:
    t = speaking() >> r.LegFailed(1, CUT) << r.Fund(2, 1) >> r.Funded(2) << r.Start(2, stitched=True)
    t >> r.Useful(2, text=True) << r.Release(2) >> r.HedgeDue() >> r.DeadlineHit()
    assert t.run.shown


def test_text_that_broke_ends_a_chat() -> None:
    t = speaking(CHAT) >> r.LegFailed(1, CUT) << r.Settle("failed", None)
    (t >> r.Settled() << r.End("failed")).check_over()


def test_a_request_is_repaired_once_at_the_same_candidate() -> None:
    t = asked() >> r.LegFailed(1, REPAIRABLE) << r.Fund(2, 0, REPAIRABLE) >> r.Funded(2) << r.Start(2, stitched=False)
    (t >> r.LegFailed(2, REPAIRABLE) << r.Fund(3, 1)).check_quiet()


def test_a_context_overflow_leaves_only_larger_windows() -> None:
    small, large = r.Option(context_tokens=100), r.Option(context_tokens=200)
    t = asked(options=(small, small, large)) >> r.LegFailed(1, OVERFLOW) << r.Fund(2, 2) >> r.Funded(2)
    (t << r.Start(2, stitched=False) >> r.LegFailed(2, OVERFLOW) << r.Settle("failed", None)).check_quiet()


def test_the_same_candidate_is_asked_once_more_after_a_pause() -> None:
    t = asked(options=ONE).at(1.0) >> r.LegFailed(1, DOWN) << r.Sleep(2.0)
    t.at(2.0) >> r.Wake() << r.Fund(2, 0) >> r.Wake() >> r.Funded(2) << r.Start(2, stitched=False)
    (t >> r.LegFailed(2, DOWN) << r.Settle("failed", None) >> r.Settled() << r.End("failed")).check_over()


def test_a_cut_is_asked_again_without_a_pause_and_a_lasting_fault_never() -> None:
    asked(options=ONE) >> r.LegFailed(1, CUT) << r.Fund(2, 0)
    (asked(options=ONE) >> r.LegFailed(1, POOR) << r.Settle("failed", None)).check_quiet()


def test_after_four_legs_nobody_is_asked() -> None:
    t = asked(options=(r.Option(),) * 5)
    for leg in (2, 3, 4):
        t >> r.LegFailed(leg - 1, CUT) << r.Fund(leg, leg - 1) >> r.Funded(leg) << r.Start(leg, stitched=False)
    (t >> r.LegFailed(4, REPAIRABLE) << r.Settle("failed", None)).check_quiet()


def test_another_key_of_the_same_endpoint_is_asked_first() -> None:
    t = asked() >> r.LegFailed(1, LIMITED, same="now") << r.Fund(2, 0) >> r.Funded(2) << r.Start(2, stitched=False)
    t >> r.LegFailed(2, POOR, same="now") << r.Fund(3, 0) >> r.Funded(3) << r.Start(3, stitched=False)
    # The last attempt is kept for the endpoint that was not asked yet.
    (t >> r.LegFailed(3, LIMITED, same="now") << r.Fund(4, 1)).check_quiet()
    (asked() >> r.LegFailed(1, DOWN, same="now") << r.Fund(2, 1)).check_quiet()
    t = asked(options=ONE)
    for leg in (2, 3, 4):
        t >> r.LegFailed(leg - 1, POOR, same="now") << r.Fund(leg, 0) >> r.Funded(leg) << r.Start(leg, stitched=False)
    (t >> r.LegFailed(4, POOR, same="now") << r.Settle("failed", None)).check_quiet()


def test_an_endpoint_with_too_many_repeats_is_not_asked_again() -> None:
    (asked(options=ONE) >> r.LegFailed(1, CUT, same="never") << r.Settle("failed", None)).check_quiet()


def test_complete_calls_of_the_first_broken_leg_end_the_turn_when_nobody_is_left() -> None:
    t = asked() >> r.LegFailed(1, CUT, salvage=True) << r.Fund(2, 1) >> r.Funded(2) << r.Start(2, stitched=False)
    t >> r.LegFailed(2, WRONG, salvage=True) << r.Settle("served", 1) >> r.Settled() << r.End("served")
    t.check_over()


# ---- cooldowns -------------------------------------------------------------------------------------------------------
COOLING = (r.Option(not_before=10.0), r.Option(not_before=20.0))


def test_the_nearest_cooldown_is_slept_through() -> None:
    t = talk(options=COOLING) << r.Sleep(10.0)
    (t.at(10.0) >> r.Wake() << r.Fund(1, 0)).check_quiet()


def test_a_free_candidate_goes_before_a_better_one_that_cools_down() -> None:
    (talk(options=(r.Option(not_before=5.0), r.Option())) << r.Fund(1, 1)).check_quiet()


def test_when_every_cooldown_is_long_the_least_bad_is_asked() -> None:
    t = talk(options=(r.Option(not_before=90.0), r.Option(not_before=60.0))) << r.Fund(1, 1) >> r.Funded(1)
    t << r.Start(1, stitched=False) >> r.LegFailed(1, LIMITED) << r.Sleep(3.0)
    (t.at(3.0) >> r.Wake() << r.Fund(2, 1)).check_quiet()


def test_waits_add_up_to_25_s_at_most() -> None:
    t = talk(options=(r.Option(not_before=24.0), r.Option(not_before=27.0))) << r.Sleep(24.0)
    t.at(24.0) >> r.Wake() << r.Fund(1, 0) >> r.Funded(1) << r.Start(1, stitched=False)
    (t >> r.LegFailed(1, POOR) << r.Settle("failed", None)).check_quiet()


def test_nobody_sleeps_beyond_the_latency_budget() -> None:
    t = talk(options=ONE, deadline=5.0) << r.SetTimer("deadline", 5.0) << r.Fund(1, 0) >> r.Funded(1)
    (
        t
        << r.Start(1, stitched=False)
        >> r.LegFailed(1, replace(LIMITED, retry_after_s=6.0))
        << r.Settle("failed", None)
    ).check_quiet()


def test_a_sleep_that_is_refused_ends_the_turn() -> None:
    t = talk(options=COOLING) << r.Sleep(10.0) >> r.SleepRefused() << r.Settle("failed", None)
    (t >> r.Settled() << r.End("failed")).check_over()


# ---- two legs --------------------------------------------------------------------------------------------------------
def hedged() -> Talk:
    t = talk(options=HEDGED) << r.Fund(1, 0) >> r.Funded(1) << r.Start(1, stitched=False)
    return t << r.SetTimer("hedge", 1.0) >> r.HedgeDue() << r.Fund(2, 1, hedge=True) << r.SetTimer("funding", 0.02)


def test_the_first_of_two_legs_that_speaks_wins() -> None:
    t = hedged() >> r.Funded(2) << r.Start(2, stitched=False) >> r.HedgeDue()
    (
        t >> r.Useful(2, text=True) << r.Cancel(1, "hedge") << r.SendHead() << r.Release(2) >> r.Useful(1, text=True)
    ).check_quiet()


def test_a_leg_that_was_not_funded_yet_just_never_starts() -> None:
    (hedged() >> r.Useful(1, text=True) << r.SendHead() << r.Release(1) >> r.Funded(2)).check_quiet()


def test_one_of_two_legs_may_fail_in_silence() -> None:
    t = hedged() >> r.Funded(2) << r.Start(2, stitched=False) >> r.LegFailed(1, CUT)
    (t >> r.LegFailed(2, CUT) << r.Fund(3, 1)).check_quiet()


def test_a_second_leg_that_is_not_funded_in_time_is_not_started_and_its_candidate_stays() -> None:
    t = hedged() >> r.FundingLate() >> r.Funded(2) >> r.HedgeDue()
    (t >> r.LegFailed(1, CUT) << r.Fund(3, 1)).check_quiet()


def test_a_second_leg_whose_first_has_failed_is_waited_for() -> None:
    t = hedged() >> r.LegFailed(1, CUT) >> r.FundingLate() >> r.Funded(2) << r.Start(2, stitched=False)
    (t >> r.Useful(2, text=True) << r.SendHead() << r.Release(2)).check_quiet()


def test_each_first_leg_has_its_own_delay_and_there_is_one_second_leg() -> None:
    options = (r.Option(hedge_after_s=1.0), r.Option(hedge_after_s=2.0), r.Option(hedge_after_s=1.0))
    t = talk(options=options) << r.Fund(1, 0) >> r.Funded(1) << r.Start(1, stitched=False) << r.SetTimer("hedge", 1.0)
    t = t.at(0.5) >> r.LegFailed(1, CUT) << r.Fund(2, 1) >> r.Funded(2) << r.Start(2, stitched=False)
    t = t << r.SetTimer("hedge", 2.5) >> r.HedgeDue() << r.Fund(3, 2, hedge=True) << r.SetTimer("funding", 0.52)
    (t >> r.Funded(3) << r.Start(3, stitched=False)).check_quiet()


def test_one_of_two_legs_may_be_unpaid() -> None:
    t = hedged() >> r.Unfunded(2, POOR)
    (t >> r.LegFailed(1, WRONG) << r.Settle("failed", None)).check_quiet()


def test_an_error_of_one_leg_never_wins_whoever_is_to_blame() -> None:
    t = hedged() >> r.Funded(2) << r.Start(2, stitched=False) >> r.LegFailed(2, WRONG)
    (t >> r.Useful(1, text=True) << r.SendHead() << r.Release(1)).check_quiet()
    t = hedged() >> r.Funded(2) << r.Start(2, stitched=False) >> r.LegFailed(1, CUT) >> r.LegFailed(2, WRONG)
    (t << r.Settle("failed", None) >> r.Settled() << r.End("failed")).check_over()


def test_no_second_leg_without_a_candidate_or_before_the_first_is_asked() -> None:
    (asked(options=ONE) >> r.HedgeDue()).check_quiet()
    (asked() >> r.HedgeDue()).check_quiet()
    (talk(options=HEDGED) << r.Fund(1, 0) >> r.HedgeDue()).check_quiet()
    (speaking() >> r.HedgeDue()).check_quiet()


# ---- the head and the budget -----------------------------------------------------------------------------------------
def test_a_head_that_is_due_leaves_once() -> None:
    t = asked() >> r.HeadDue() << r.SendHead() >> r.HeadDue() >> r.Useful(1, text=True) << r.Release(1) >> r.HeadDue()
    assert t.run.head


def test_a_spent_budget_ends_the_search() -> None:
    t = asked(deadline=5.0) >> r.DeadlineHit() << r.Cancel(1, "deadline") << r.Settle("timed_out", None)
    (t >> r.DeadlineHit() >> r.Settled() << r.End("timed_out")).check_over()


def test_a_spent_budget_ends_a_whole_answer_but_no_stream_that_speaks() -> None:
    speaking(deadline=5.0) >> r.DeadlineHit()
    t = speaking(WHOLE, deadline=5.0) >> r.DeadlineHit() << r.Cancel(1, "deadline") << r.Settle("timed_out", None)
    assert t.run.winner is None


# ---- the reader ------------------------------------------------------------------------------------------------------
LINGER = r.SetTimer("linger", limits.LINGER_S)


def test_a_reader_that_left_is_waited_for() -> None:
    t = asked() >> r.AudienceGone(may_linger=True) << LINGER >> r.AudienceGone(may_linger=True)
    t >> r.LingerOver() << r.Cancel(1, "client") << r.Settle("abandoned", None)
    (t >> r.LingerOver() >> r.Settled() << r.End("abandoned")).check_over()


@pytest.mark.parametrize(("terms", "may_linger"), [(AGENT, False), (CHAT, True)])
def test_a_reader_is_not_waited_for_without_room_or_after_text_without_tools(terms: r.Terms, may_linger: bool) -> None:
    t = speaking(terms) >> r.AudienceGone(may_linger=may_linger) << r.Cancel(1, "client") << r.Settle("abandoned", 1)
    (t >> r.Settled() << r.End("abandoned")).check_over()


def test_a_reader_that_comes_back_gets_everything_said() -> None:
    t = speaking() >> r.AudienceGone(may_linger=True) << LINGER >> r.AudienceJoined() << r.SendHead() << r.Replay()
    t >> r.AudienceJoined() >> r.LingerOver() >> r.LegFailed(1, CUT) << r.Fund(2, 1) >> r.Funded(2)
    (t << r.Start(2, stitched=True)).check_quiet()


def test_a_reader_that_comes_back_to_the_search_gets_its_head_later() -> None:
    t = asked() >> r.HeadDue() << r.SendHead() >> r.AudienceGone(may_linger=True) << LINGER >> r.AudienceJoined()
    (t >> r.Useful(1, text=True) << r.SendHead() << r.Release(1)).check_quiet()


def test_a_whole_answer_is_told_to_whoever_is_there_at_its_end() -> None:
    t = speaking(WHOLE) >> r.AudienceGone(may_linger=True) << LINGER >> r.AudienceJoined() >> r.Finished(1) << LATER
    assert t.run.audience


def test_text_that_nobody_sees_is_not_stitched() -> None:
    t = speaking() >> r.AudienceGone(may_linger=True) << LINGER >> r.LegFailed(1, CUT) << r.Fund(2, 1) >> r.Funded(2)
    (t << r.Start(2, stitched=False)).check_quiet()


def test_a_reader_that_joins_a_stitched_search_gets_what_was_shown() -> None:
    t = speaking() >> r.LegFailed(1, CUT) << r.Fund(2, 1) >> r.AudienceGone(may_linger=True) << LINGER
    (t >> r.AudienceJoined() << r.SendHead() << r.Replay()).check_quiet()


def test_a_hang_up_after_the_finish_changes_nothing() -> None:
    t = speaking() >> r.Finished(1) << LATER >> r.AudienceGone(may_linger=False) >> r.AudienceJoined()
    t << r.SendHead() << r.Replay() >> r.Stop() >> r.UsageFinal(1) << r.Settle("served", 1)
    (t >> r.Settled() << r.End("served")).check_over()


def test_who_joins_a_turn_that_has_failed_waits_for_its_error() -> None:
    t = asked() >> r.AudienceGone(may_linger=False) << r.Cancel(1, "client") << r.Settle("abandoned", None)
    (t >> r.AudienceJoined() >> r.Settled() << r.End("abandoned")).check_over()


# ---- the process ends ------------------------------------------------------------------------------------------------
def test_the_end_of_the_process_stops_a_search_and_an_answer() -> None:
    t = asked() >> r.Stop() << r.Cancel(1, "stop") << r.Settle("stopped", None)
    (t >> r.Settled() << r.End("stopped")).check_over()
    t = speaking() >> r.Stop() << r.Cancel(1, "stop") << r.Settle("stopped", 1)
    (t >> r.Settled() << r.End("stopped")).check_over()
    t = talk(options=COOLING) << r.Sleep(10.0) >> r.Stop() << r.Settle("stopped", None) >> r.Wake()
    (t >> r.Settled() << r.End("stopped")).check_over()
