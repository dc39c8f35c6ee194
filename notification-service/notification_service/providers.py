"""Which gateway the settings name."""

from notification_service.advanta import Advanta
from notification_service.africastalking import AfricasTalking
from notification_service.config import Config
from notification_service.gateways import SmsGateway
from notification_service.log import Log


def gateway_of(config: Config) -> SmsGateway:
    """The gateway of SMS_PROVIDER."""
    if config.sms_provider == "africastalking":
        return AfricasTalking(
            base_url=config.sms_base_url,
            username=config.sms_username,
            api_key=config.sms_api_key,
            sender_id=config.sms_sender_id,
        )
    if config.sms_provider == "advanta":
        return Advanta(
            base_url=config.sms_base_url,
            partner_id=config.sms_username,
            api_key=config.sms_api_key,
            sender_id=config.sms_sender_id,
        )
    return Log()
