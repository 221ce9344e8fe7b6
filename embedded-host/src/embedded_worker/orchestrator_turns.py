"""Runs the turns of orchestrators, which stay in memory between their turns."""

from __future__ import annotations

from azure.functions import meta

from embedded_worker.blocked_turns import BlockedTurns
from embedded_worker.converters import converter_for
from embedded_worker.durable_calls import can_keep, open_session
from embedded_worker.failed_calls import error_data, failed_result, report_empty_error
from embedded_worker.function_logs import current_invocation
from embedded_worker.imported_app import ImportedApp
from embedded_worker.invocations import Invocations
from embedded_worker.loading import LoadedFunction
from embedded_worker.protocol import InvocationRequest, InvocationResult, TurnRequest
from embedded_worker.session_cache import Session, SessionCache


class OrchestratorTurns:
    """Runs turns, at most one at a time for each instance."""

    def __init__(self, app: ImportedApp, invocations: Invocations) -> None:
        """Run the orchestrators of ``app``.

        ``invocations`` runs an orchestrator that cannot stay in memory.
        """
        self._app, self._invocations = app, invocations
        self._sessions = SessionCache()
        self._blocked = BlockedTurns()

    def run(self, turn: TurnRequest) -> InvocationResult:
        """Run one turn in this thread. The result contains the orchestrator's exception, if any."""
        function = self._app.functions.get(turn.function)
        if not isinstance(function, LoadedFunction) or not can_keep(function.call):
            if turn.seen:
                return InvocationResult(turn.id, missing=True)
            return self._invocations.run(InvocationRequest(turn.id, turn.function, turn.payload))
        if turn.is_replay:
            self._sessions.discard(turn.instance_id)
        session = (
            self._sessions.take(turn.instance_id, turn.execution_id, turn.seen)
            if turn.seen
            else None
        )
        if turn.seen and session is None:
            return InvocationResult(turn.id, missing=True)
        events = turn.payload if session is not None else None
        self._blocked.begin(function.spec.name, turn.instance_id, self._app.root)
        try:
            if session is None:
                session = open_session(
                    function.call, turn.payload, self._app.root, is_strict=self._app.is_strict
                )
                if turn.is_replay:
                    session.report_lines()
            if (running := current_invocation()) is not None:
                running.session = session
            output = self._run_session(function, turn, session, events)
        except BaseException as error:
            if not turn.is_diagnosis:
                report_empty_error(self._app, error, turn.function, turn.instance_id)
            if session is None:  # the payload is invalid or the SDK is unknown
                return InvocationResult(turn.id, error=error_data(error))
            result = failed_result(self._app, turn.id, function, error, turn.instance_id)
            if result.exit_code is None:
                result = result._replace(
                    counts=session.counts, known=session.known, lines=session.lines
                )
            session.close()
            return result
        finally:
            self._blocked.end()
        if (new := session.offset_timers()) and not turn.is_diagnosis:
            self._app.warn_once(function, new[0], "EH344")
        is_finished = session.finished
        kept = not (is_finished or turn.is_diagnosis)
        result = InvocationResult(
            turn.id,
            output,
            counts=session.counts,
            known=session.known,
            kept=kept,
            lines=session.lines,
        )
        if is_finished and not turn.is_diagnosis:
            self._app.warn(session.never_yielded())
        if kept:
            self._sessions.keep(turn.instance_id, session)
        else:
            session.close()
        return result

    def _run_session(
        self,
        function: LoadedFunction,
        turn: TurnRequest,
        session: Session,
        events: str | None,
    ) -> str:
        """Run the turn and the extensions' hooks before and after it.

        For an orchestrator in memory, the hooks get only the new events.
        """
        if not self._app.extensions.enabled:
            return session.run_turn(events)
        name, kind = function.trigger.name, function.trigger.type
        arguments = {
            name: converter_for(kind).decode(
                meta.Datum(turn.payload, "string"), trigger_metadata={}
            )
        }
        request = InvocationRequest(turn.id, turn.function, turn.payload)
        context = self._invocations.before(function, request, arguments)
        assert context is not None
        returned = session.run_turn(events)
        self._app.extensions.after(context, arguments, returned)
        return returned
