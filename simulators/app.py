"""The application: every stand-in under its path, and the control routes."""

from flask import Flask

from simulators.advanta import advanta_blueprint
from simulators.africastalking import africastalking_blueprint
from simulators.config import Settings
from simulators.control import Listen, control_blueprint
from simulators.daraja import daraja_blueprint
from simulators.page import page_blueprint
from simulators.problems import answer_problems
from simulators.routeros.servlet import servlet_blueprint
from simulators.state import World
from simulators.trouble import Trouble

LARGEST_BODY = 1024 * 1024


def create_app(world: World, settings: Settings, listen: Listen) -> Flask:
    """The stand-ins' application; `listen` opens the CoA port at a router's address."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # only the default provider has it
    answer_problems(app)
    daraja = daraja_blueprint(
        mpesa=world.mpesa,
        organisation=world.organisation,
        merchant=world.merchant,
        tokens=world.tokens,
        trouble=Trouble(world.clock),
        clock=world.clock,
    )
    sms_trouble = Trouble(world.clock)
    africastalking = africastalking_blueprint(
        phones=world.phones,
        username=settings.sms_username,
        api_key=settings.sms_api_key,
        trouble=sms_trouble,
    )
    advanta = advanta_blueprint(
        phones=world.phones,
        partner_id=settings.sms_username,
        api_key=settings.sms_api_key,
        trouble=sms_trouble,
    )
    for blueprint in (daraja, africastalking, advanta, page_blueprint()):
        app.register_blueprint(blueprint)
    app.register_blueprint(servlet_blueprint(world.hotspot, world.routers, world.guests))
    app.register_blueprint(control_blueprint(world, listen))
    return app
