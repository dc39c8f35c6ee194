"""Results of requests of ours: each finds the request that its URL was made for.

The URL of a request is unguessable and told to M-Pesa alone, in that request; and only who took it
knows the conversation that M-Pesa began over it.
"""

from datetime import timedelta

from sqlalchemy import select

from hotspot.bus.outcome import Retry
from hotspot.bus.work import Work
from hotspot.contract.payments import RecordMpesaMessageJob
from payment_service.callbacks.sources import Trust
from payment_service.claims import receipts_answered
from payment_service.models import AnyRow, ReceiptQuestion, Reversal
from payment_service.mpesa.daraja_results import Result, read_result
from payment_service.mpesa.stk import Unreadable
from payment_service.reversals import requesting as reversals
from payment_service.reversals.decisions import ASKING

NOBODYS = "answers no request of ours"
ANOTHER_CONVERSATION = "names another conversation than its request"
# M-Pesa's reply to a request is written down long before this.
REPLY_WITHIN = timedelta(seconds=5)


def record_result(
    job: RecordMpesaMessageJob, trust: Trust, ours: frozenset[str], work: Work
) -> str | None:
    """Act upon a result; answers what a person should know of it. `ours` are our shortcodes.

    Raises Retry where it comes from an unknown source before M-Pesa's reply is written down.
    """
    question = _request(ReceiptQuestion, job, work)
    if question is not None:
        return _hear_of_receipt(question, job, trust, ours, work)
    reversal = _request(Reversal, job, work)
    return NOBODYS if reversal is None else _hear_of_reversal(reversal, job, trust, work)


def is_same_conversation(request: AnyRow, result: Result) -> bool | None:
    """Whether a result names the conversation of its request; None where one of them names none."""
    pairs = (
        (request.conversation_id, result.conversation_id),
        (request.originator_conversation_id, result.originator_conversation_id),
    )
    told = [mine == theirs for mine, theirs in pairs if mine and theirs]
    return all(told) if told else None


def _hear_of_receipt(
    question: AnyRow, job: RecordMpesaMessageJob, trust: Trust, ours: frozenset[str], work: Work
) -> str | None:
    if job.timed_out:
        return None  # it is asked again, as if nothing had come
    result = read_result(job.body)
    if isinstance(result, Unreadable):
        return result.reason
    if is_same_conversation(question, result) is False:
        return ANOTHER_CONVERSATION
    needs_proof = trust.needs_proof(job.source_address)
    return receipts_answered.hear(question, result, ours, work, needs_proof=needs_proof)


def _hear_of_reversal(
    reversal: AnyRow, job: RecordMpesaMessageJob, trust: Trust, work: Work
) -> str | None:
    if job.timed_out:
        return reversals.timed_out(reversal, work)
    result = read_result(job.body)
    if isinstance(result, Unreadable):
        return result.reason
    is_same = is_same_conversation(reversal, result)
    if is_same is False:
        return ANOTHER_CONVERSATION
    if is_same is None and trust.needs_proof(job.source_address):
        if reversal.state == ASKING and not work.last_try:
            raise Retry("M-Pesa's reply to the reversal is not written down", after=REPLY_WITHIN)
        return reversals.doubt(reversal, work)
    return reversals.hear(reversal, result, work)


def _request(
    table: type[ReceiptQuestion] | type[Reversal], job: RecordMpesaMessageJob, work: Work
) -> AnyRow | None:
    wanted = select(table.__table__).where(table.id == job.request_id)
    return work.session.execute(wanted.with_for_update()).one_or_none()
