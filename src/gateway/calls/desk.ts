import type { CallState } from '../../contract/calls.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Audit } from '../../twin/ports.ts';
import type { Caller, Reader } from '../../twin/reader/index.ts';
import { CALL_ID, type CallStates, isCurrent } from './states.ts';

export interface CallDeskParts {
  readonly calls: CallStates;
  readonly reader: Pick<Reader, 'readable'>;
  readonly audit: Audit;
  readonly clock: Clock;
}

export interface CallDesk {
  /** @throws Fault NOT_FOUND, the same for a call that is not there and for one of others */
  call(caller: Caller, id: string): Promise<CallState>;
}

/** Of whom nobody is: asked about where there is no such call, so that it takes as long. */
const NOBODY = 'mcp://twins/member/nobody/care';

/** Calls by their id: checked as the events of the call are, and a disclosure like them. */
export function createCallDesk({ calls, reader, audit, clock }: CallDeskParts): CallDesk {
  return {
    async call(caller, id) {
      const { principal } = caller;
      const last = CALL_ID.test(id) ? await calls.last(principal.tenant, id) : undefined;
      const needs = last?.needs ?? NOBODY;
      const [readable] = await reader.readable(principal, [needs]);
      const granted = last !== undefined && readable === true;
      await audit.append({
        ...{ action: 'read', outcome: granted ? 'success' : 'denied', ...caller },
        what: [{ uri: needs }],
        why: 'view permissions by check',
      });
      if (!granted) throw new Fault('NOT_FOUND');
      const { member, event, at, validUntil, raw } = last;
      return {
        ...{ id, member, event, at, current: isCurrent(last, clock.now()) },
        ...(validUntil !== undefined && { validUntil }),
        ...(raw !== undefined && { data: raw }),
      };
    },
  };
}
