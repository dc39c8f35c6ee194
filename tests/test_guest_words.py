"""The guests' pages have words for whatever payment-service may tell them, in every language."""

from gateway.portal.words import LANGUAGES, load
from payment_service.claims import claiming
from payment_service.mpesa import results
from payment_service.mpesa.results import Failure
from payment_service.vouchers import redeeming
from payment_service.vouchers.redeeming import Refusal

# What is said with a date, and so is no constant.
DATED = {"voucher_used", "voucher_expired"}
REFUSALS = {one.code for one in vars(redeeming).values() if isinstance(one, Refusal)} | DATED
FAILURES = {
    one.code
    for one in (*vars(results).values(), *results._FAILURES.values(), *vars(claiming).values())
    if isinstance(one, Failure)
} | {results.refused("7").code}


def test_every_failure_of_a_payment_is_said_in_our_words() -> None:
    for language in LANGUAGES:
        texts = load(language).texts
        assert {
            code for code in FAILURES | REFUSALS if f"failed.{code}.title" not in texts
        } == set()
        kinds = {code.replace("_", "-") for code in REFUSALS}
        assert {kind for kind in kinds if f"refused.{kind}" not in texts} == set()


def test_no_words_are_kept_for_what_nobody_says() -> None:
    said = {key.split(".")[1] for key in load("en").texts if key.startswith("failed.")}
    assert said - FAILURES - REFUSALS == {"other"}
