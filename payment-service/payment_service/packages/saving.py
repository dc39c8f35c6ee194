"""What is sold: created and changed. What was bought before keeps the terms it was bought on."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Work
from hotspot.contract.packages import PackageChanged, PackageTerms, SavePackageJob
from payment_service.models import Package
from payment_service.packages.terms import TERMS_COLUMNS, terms_of

# A code is what a payer types as account number of a paybill.
LONGEST_CODE = 12


def save_package(job: SavePackageJob, work: Work) -> None:
    """Sell it from now on as the job says, unless a newer change was saved before."""
    values = row_of(job.code, job.terms, on_sale=job.on_sale)
    changes = values if job.changed is None else {name: values[name] for name in job.changed}
    saving = (
        insert(Package)
        .values(values | {"created_at": job.requested_at, "changed_at": job.requested_at})
        .on_conflict_do_update(
            index_elements=[Package.id],
            set_=changes | {"changed_at": job.requested_at},
            where=Package.changed_at <= job.requested_at,
        )
        .returning(*TERMS_COLUMNS, Package.on_sale)
    )
    try:
        saved = work.session.execute(saving).first()
    except IntegrityError as error:
        # Two operators chose one code at the same time: the route saw neither package.
        if "packages_code_key" not in str(error.orig):
            raise
        raise Reject(f"the code {job.code} belongs to another package") from error
    if saved is not None:
        work.send(
            PackageChanged(
                code=saved.code,
                terms=terms_of(saved),
                on_sale=saved.on_sale,
                changed_at=job.requested_at,
            )
        )


def row_of(code: str, terms: PackageTerms, *, on_sale: bool) -> dict[str, object]:
    """The columns of a package, but for its times."""
    return {
        "id": terms.package_id,
        "code": code,
        "name": terms.name,
        "kind": terms.kind,
        "price": terms.price.amount,
        "duration_seconds": terms.duration_seconds,
        "down_kbps": terms.down_kbps,
        "up_kbps": terms.up_kbps,
        "data_bytes": terms.data_bytes,
        "devices": terms.devices,
        "on_sale": on_sale,
    }


def code_for(name: str, package_id: UUID, *, is_taken: bool = False) -> str:
    """The code of a package for which nobody chose one: its name's letters and digits.

    Where another package has that, or the name has no letters, a piece of the id makes it its own.
    """
    letters = "".join(sign for sign in name.upper() if sign.isascii() and sign.isalnum())
    if not is_taken and not letters.isdigit() and len(letters) > 1:
        return letters[:LONGEST_CODE]
    tail = "P" + package_id.hex[-5:].upper()
    return letters[: LONGEST_CODE - len(tail)] + tail
