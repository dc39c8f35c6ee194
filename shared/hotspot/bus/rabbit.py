"""RabbitMQ: one connection with a thread of its own. The only place that knows pika."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pika
import structlog
from pika.adapters.select_connection import SelectConnection
from pika.channel import Channel
from pika.exceptions import AMQPError

from hotspot.bus.envelope import Parcel
from hotspot.bus.transport import Basket, BrokerAway, Delivery, RawProperties, Unroutable
from hotspot.contract.topology import topology

log = structlog.get_logger()

CONFIRM_WITHIN_SECONDS = 10.0
LONGEST_BACKOFF_SECONDS = 5.0


@dataclass
class _Shipment:
    """Parcels of one publish call, and whoever waits for their confirms."""

    parcels: Sequence[Parcel]
    missing: int
    # Looked up when it is made: gevent may have replaced it since this module was imported.
    settled: threading.Event = field(default_factory=lambda: threading.Event())  # noqa: PLW0108
    error: Exception | None = None

    def confirm(self) -> None:
        self.missing -= 1
        if self.missing <= 0:
            self.settled.set()

    def fail(self, error: Exception) -> None:
        self.error = self.error or error
        self.settled.set()


@dataclass(frozen=True)
class _Subscription:
    prefetch: Mapping[str, int]
    basket: Basket


class RabbitTransport:
    """Publishes with confirms that are pipelined: each caller waits only for its own.

    Works under real threads and under gevent alike. Reconnects with a growing, jittered pause;
    what was not confirmed by then fails with BrokerAway, what was not acknowledged comes again.
    """

    def __init__(self, url: str, name: str) -> None:
        self._parameters = pika.URLParameters(url)
        self._parameters.heartbeat = 30
        self._parameters.blocked_connection_timeout = 30
        self._parameters.client_properties = {"connection_name": name}
        self._outbound: deque[_Shipment] = deque()
        self._lock = threading.Lock()
        self._flush_is_due = False
        self._unconfirmed: dict[int, _Shipment] = {}
        self._by_message_id: dict[str, _Shipment] = {}
        self._next_tag = 1
        self._subscription: _Subscription | None = None
        self._consumer_tags: list[str] = []
        self._connection: SelectConnection | None = None
        self._channel: Channel | None = None
        self._connection_number = 0
        self._up = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"amqp {name}", daemon=True)
        self._thread.start()

    # --- called by any thread

    def is_up(self) -> bool:
        """Whether the connection is open and the topology declared."""
        return self._up.is_set()

    def is_running(self) -> bool:
        """Whether the thread lives that connects, and connects again."""
        return self._thread.is_alive()

    def wait_until_up(self, timeout: float) -> bool:
        """Wait for the first (or next) connection."""
        return self._up.wait(timeout)

    def publish(self, parcels: Sequence[Parcel]) -> None:
        """Send all and wait until all are confirmed. Raises BrokerAway or Unroutable."""
        if not parcels:
            return
        if not self._up.is_set():
            raise BrokerAway("RabbitMQ is not connected")
        shipment = _Shipment(parcels, len(parcels))
        with self._lock:
            self._outbound.append(shipment)
            due, self._flush_is_due = self._flush_is_due, True
        if not due:  # one wake-up serves all that is waiting by then
            self._call(self._flush)
        if not shipment.settled.wait(CONFIRM_WITHIN_SECONDS):
            raise BrokerAway("RabbitMQ did not confirm in time")
        if shipment.error:
            raise shipment.error

    def consume(self, prefetch: Mapping[str, int], basket: Basket) -> None:
        """Put what these queues hold into the basket from now on, also after reconnecting."""
        self._subscription = _Subscription(dict(prefetch), basket)
        if self._up.is_set():
            self._call(self._start_consuming)

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Done with them. Those of a former connection are the broker's to repeat."""
        self._call(lambda: self._answer(deliveries, lambda ch, tag: ch.basic_ack(tag)))

    def give_back(self, deliveries: Iterable[Delivery]) -> None:
        """Not done with them: another worker gets them."""
        returned = list(deliveries)
        self._call(lambda: self._answer(returned, lambda ch, tag: ch.basic_nack(tag, requeue=True)))

    def close(self) -> None:
        """Leave in order: what was published or acknowledged before this is still sent."""
        self._closing = True
        self._call(self._close)
        self._thread.join(timeout=10)

    def drop_connection(self) -> None:
        """Cut the connection as a broken network would; it comes back by itself."""
        self._call(self._cut)

    # --- the transport's own thread

    def _call(self, work: Callable[[], None]) -> None:
        connection = self._connection
        if connection is not None:
            connection.ioloop.add_callback_threadsafe(work)

    def _run(self) -> None:
        pause = 0.1
        while not self._closing:
            began = time.monotonic()
            self._connection_number += 1
            connection = SelectConnection(
                self._parameters,
                on_open_callback=self._opened,
                on_open_error_callback=self._not_opened,
                on_close_callback=self._closed,
            )
            self._connection = connection
            connection.ioloop.start()
            self._lost()
            connection.ioloop.close()
            if self._closing:
                break
            if time.monotonic() - began > LONGEST_BACKOFF_SECONDS:
                pause = 0.1
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # jitter, not a secret
            pause = min(pause * 2, LONGEST_BACKOFF_SECONDS)

    def _opened(self, connection: SelectConnection) -> None:
        if self._closing:
            connection.close()
            return
        connection.channel(on_open_callback=self._channel_opened)

    def _not_opened(self, connection: SelectConnection, error: BaseException) -> None:
        log.warning("broker unreachable", error=repr(error))
        connection.ioloop.stop()

    def _closed(self, connection: SelectConnection, reason: BaseException) -> None:
        if not self._closing:
            log.warning("broker connection lost", reason=repr(reason))
        connection.ioloop.stop()

    def _channel_opened(self, channel: Channel) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._channel_closed)
        channel.add_on_return_callback(self._returned)
        _declare(channel, self._ready)

    def _channel_closed(self, channel: Channel, reason: BaseException) -> None:
        """A channel dies of a mistake of ours: begin anew, so that nothing hangs half open."""
        if not self._closing and channel.connection.is_open:
            log.error("broker closed the channel", reason=repr(reason))
            channel.connection.close()

    def _ready(self) -> None:
        channel = self._channel
        if channel is None:
            return
        self._next_tag = 1
        channel.confirm_delivery(self._confirmed)
        self._up.set()
        self._start_consuming()

    def _start_consuming(self) -> None:
        channel, subscription = self._channel, self._subscription
        if channel is None or subscription is None or not channel.is_open or self._consumer_tags:
            return
        number = self._connection_number
        for name, prefetch in subscription.prefetch.items():
            channel.basic_qos(prefetch_count=prefetch)  # holds for the consumers after it
            self._consumer_tags.append(
                channel.basic_consume(name, _receiver(name, number, subscription.basket))
            )

    def _flush(self) -> None:
        with self._lock:
            self._flush_is_due = False
            waiting = list(self._outbound)
            self._outbound.clear()
        for shipment in waiting:
            try:
                self._ship(shipment)
            except AMQPError as error:
                shipment.fail(BrokerAway(f"RabbitMQ went away: {error!r}"))

    def _ship(self, shipment: _Shipment) -> None:
        channel = self._channel
        if channel is None or not channel.is_open:
            shipment.fail(BrokerAway("RabbitMQ is not connected"))
            return
        for parcel in shipment.parcels:
            properties = _properties(parcel)
            self._by_message_id[properties.message_id] = shipment
            self._unconfirmed[self._next_tag] = shipment
            self._next_tag += 1
            channel.basic_publish(
                parcel.exchange,
                parcel.routing_key,
                parcel.envelope.body,
                properties,
                mandatory=True,
            )

    def _returned(
        self,
        _channel: Channel,
        method: pika.spec.Basic.Return,
        properties: pika.BasicProperties,
        _body: bytes,
    ) -> None:
        shipment = self._by_message_id.get(properties.message_id)
        if shipment is not None:
            where = f"{method.exchange!r} with routing key {method.routing_key!r}"
            shipment.error = Unroutable(f"no queue takes {properties.type} from {where}")

    def _confirmed(self, frame: pika.frame.Method) -> None:
        tag, multiple = frame.method.delivery_tag, frame.method.multiple
        tags = [known for known in self._unconfirmed if known <= tag] if multiple else [tag]
        refused = isinstance(frame.method, pika.spec.Basic.Nack)
        for one in tags:
            shipment = self._unconfirmed.pop(one, None)
            if shipment is None:
                continue
            if refused:
                shipment.fail(BrokerAway("RabbitMQ refused to take the message"))
            shipment.confirm()
            if shipment.settled.is_set():
                for parcel in shipment.parcels:
                    self._by_message_id.pop(str(parcel.envelope.message_id), None)

    def _answer(self, deliveries: Sequence[Delivery], say: Callable[[Channel, int], None]) -> None:
        channel = self._channel
        if channel is None or not channel.is_open:
            return
        for delivery in deliveries:
            if delivery.connection == self._connection_number:
                say(channel, delivery.tag)

    def _lost(self) -> None:
        """Everything that depended on the connection learns that it is gone."""
        self._up.clear()
        self._channel = None
        self._consumer_tags = []
        if self._subscription is not None:
            self._subscription.basket.forget(self._connection_number)
        with self._lock:
            hanging = [*self._unconfirmed.values(), *self._outbound]
            self._outbound.clear()
            self._flush_is_due = False
        self._unconfirmed.clear()
        self._by_message_id.clear()
        for shipment in hanging:
            shipment.fail(BrokerAway("the connection to RabbitMQ was lost"))

    def _close(self) -> None:
        self._flush()
        if self._connection is None:
            return
        if self._connection.is_open:
            self._connection.close()
        elif not self._connection.is_closing:
            self._connection.ioloop.stop()

    def _cut(self) -> None:
        if self._connection is not None and self._connection.is_open:
            self._connection.close(320, "cut on purpose")


def _declare(channel: Channel, ready: Callable[[], None]) -> None:
    """Declare the whole topology; the broker handles it in order, so the last answer is enough."""
    wanted = topology()
    for exchange in wanted.exchanges:
        channel.exchange_declare(exchange.name, exchange.kind, durable=True)
    for queue in wanted.queues:
        channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))
    for binding in wanted.bindings:
        if binding.to_exchange:
            channel.exchange_bind(binding.destination, binding.source, binding.routing_key)
        else:
            channel.queue_bind(binding.destination, binding.source, binding.routing_key)
    channel.basic_qos(prefetch_count=1, callback=lambda _frame: ready())


def _receiver(
    queue: str, connection: int, basket: Basket
) -> Callable[[Channel, pika.spec.Basic.Deliver, pika.BasicProperties, bytes], None]:
    def receive(
        _channel: Channel,
        method: pika.spec.Basic.Deliver,
        properties: pika.BasicProperties,
        body: bytes,
    ) -> None:
        basket.put(
            Delivery(
                queue=queue,
                tag=method.delivery_tag,
                connection=connection,
                redelivered=bool(method.redelivered),
                properties=RawProperties(
                    message_id=properties.message_id,
                    type=properties.type,
                    correlation_id=properties.correlation_id,
                    app_id=properties.app_id,
                    headers=dict(properties.headers or {}),
                ),
                body=body,
            )
        )

    return receive


def _properties(parcel: Parcel) -> pika.BasicProperties:
    envelope = parcel.envelope
    return pika.BasicProperties(
        content_type="application/json",
        delivery_mode=2,
        message_id=str(envelope.message_id),
        type=envelope.name,
        correlation_id=str(envelope.correlation_id),
        app_id=envelope.sender,
        expiration=_milliseconds(parcel.stale_after),
        headers={**envelope.headers(), **(parcel.notes or {})},
    )


def _milliseconds(time: timedelta | None) -> str | None:
    return None if time is None else str(int(time.total_seconds() * 1000))
