"""A transactional producer over the simulated log, with the three kinds of errors that Kafka's has."""

from tests.simulation.log import AbortRequiredError, Fault, Log, Status, TimedOutError, Transaction


class Producer:
    """One incarnation of a transactional id; `init` must come first."""

    def __init__(self, log: Log, identity: str) -> None:
        self._log = log
        self._identity = identity
        self._epoch = -1
        self._transaction: Transaction | None = None

    def init(self) -> None:
        """Fence every earlier owner of the id and abort what it left open."""
        self._epoch = self._log.fence(self._identity)

    def begin(self) -> None:
        """Open a transaction."""
        self._log.check(self._identity, self._epoch)
        self._transaction = self._log.begin(self._identity)

    def produce(self, topic: str, partition: int | None, key: bytes, value: bytes | None) -> None:
        """Add one record to the open transaction."""
        self._log.check(self._identity, self._epoch)
        if self._log.faults("produce") is Fault.ABORT:
            raise AbortRequiredError(self._identity)
        self._log.place(topic, key, partition).append(key, value, self._open())

    def commit(self) -> None:
        """Commit; after a `TimedOutError` to be called again, which is harmless if it was obeyed."""
        self._log.check(self._identity, self._epoch)
        transaction = self._open()
        if transaction.status is Status.COMMITTED:
            return
        fault = self._log.faults("commit")
        if fault is Fault.ABORT:
            raise AbortRequiredError(self._identity)
        if fault is Fault.REQUEST_LOST:
            raise TimedOutError(self._identity)
        self._log.decide(transaction, Status.COMMITTED)
        if fault is Fault.ANSWER_LOST:
            raise TimedOutError(self._identity)

    def abort(self) -> None:
        """Abort the open transaction."""
        self._log.check(self._identity, self._epoch)
        self._log.decide(self._open(), Status.ABORTED)

    def _open(self) -> Transaction:
        if self._transaction is None:
            raise RuntimeError("no transaction was begun")
        return self._transaction
