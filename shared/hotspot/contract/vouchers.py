"""Messages about vouchers that are made in batches and redeemed by guests."""

from datetime import datetime
from uuid import UUID

from hotspot.contract.message import Message, message
from hotspot.contract.packages import PackageTerms


@message("CreateVoucherBatchJob", version=1)
class CreateVoucherBatchJob(Message):
    """Make a batch of vouchers for sale in shops; `made` of the `count` are there already."""

    batch_id: UUID
    package: PackageTerms
    count: int
    requested_by: str
    requested_at: datetime
    made: int = 0
    expires_at: datetime | None = None


@message("VoucherBatchProgressed", version=1)
class VoucherBatchProgressed(Message):
    """`made` of the `count` vouchers of a batch are there."""

    batch_id: UUID
    made: int
    count: int
    at: datetime


@message("CancelVouchersJob", version=1)
class CancelVouchersJob(Message):
    """Make unused vouchers worthless: one of them, or all that are left of a batch."""

    requested_by: str
    requested_at: datetime
    batch_id: UUID | None = None
    voucher_id: UUID | None = None


@message("RedeemVoucherJob", version=1)
class RedeemVoucherJob(Message):
    """A guest typed a voucher's code: give its access once, or move it to this device.

    `payment_id` is what the guest's page watches: the payment that the voucher proves, or, for a
    voucher of a batch, the id under which its access is given.
    """

    payment_id: UUID
    voucher_id: UUID
    redeemed_at: datetime
    phone: str | None = None
    mac: str | None = None
    ip: str | None = None
    router_id: str | None = None
    link_login_only: str | None = None


@message("VoucherRedeemed", version=1)
class VoucherRedeemed(Message):
    """A voucher of a batch gave its access."""

    voucher_id: UUID
    payment_id: UUID
    package_id: UUID
    redeemed_at: datetime
    router_id: str | None = None
