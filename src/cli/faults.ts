import { CommanderError } from 'commander';
import { ConfigError } from '../config/config.ts';
import { DataDirTaken } from '../config/data-lock.ts';
import { TwinError, type TwinErrorCode } from '../sdk/index.ts';

/** Contract "Command line". */
export const EXIT = { ok: 0, fault: 1, usage: 2, auth: 3, unreachable: 4, refused: 5 } as const;
export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** A fault said in our own words, which name the next step. */
export class CliFault extends Error {
  readonly exit: Exit;

  constructor(exit: Exit, message: string) {
    super(message);
    this.exit = exit;
  }
}

export interface Ending {
  readonly exit: Exit;
  /** Absent where everything has been said. */
  readonly message?: string;
}

/** What a command that threw ends with. */
export function endingOf(error: unknown): Ending {
  if (error instanceof CliFault) return { exit: error.exit, message: error.message };
  if (error instanceof TwinError) return endingOfTwinError(error);
  if (error instanceof ConfigError) return { exit: EXIT.usage, message: error.message };
  if (error instanceof DataDirTaken) return { exit: EXIT.fault, message: error.message };
  // Commander has printed help, version or its own complaint.
  if (error instanceof CommanderError) return { exit: error.exitCode === 0 ? 0 : EXIT.usage };
  const message = error instanceof Error ? error.message : String(error);
  return { exit: EXIT.fault, message };
}

function endingOfTwinError(error: TwinError): Ending {
  const next = nextStep(error);
  const id = error.correlationId === undefined ? '' : ` (correlation id ${error.correlationId})`;
  return {
    exit: exitOf(error.code),
    message: `${error.message}${id}${next === undefined ? '' : `\n${next}`}`,
  };
}

function exitOf(code: TwinErrorCode): Exit {
  switch (code) {
    case 'UNAUTHENTICATED':
    case 'INSUFFICIENT_AUTHENTICATION':
    case 'INSUFFICIENT_SCOPE':
    case 'PURPOSE_REFUSED':
    case 'SUSPENDED':
    case 'FORBIDDEN_ORIGIN':
      return EXIT.auth;
    case 'UNREACHABLE':
    case 'SHUTTING_DOWN':
      return EXIT.unreachable;
    case 'REFUSED_INPUT':
    case 'CONFLICT':
    case 'TOO_LARGE':
    case 'UNSUPPORTED_MEDIA':
    case 'INVALID_REQUEST':
      return EXIT.refused;
    case 'INVALID_ARGUMENT':
      return EXIT.usage;
    default:
      return EXIT.fault;
  }
}

function nextStep({ code, data }: TwinError): string | undefined {
  switch (code) {
    case 'UNAUTHENTICATED':
      return 'Give a token of this server with --token or DIGITAL_TWIN_TOKEN, or name --as SUBJECT.';
    case 'INSUFFICIENT_SCOPE': {
      const scopes = Array.isArray(data.scopes) ? data.scopes.join(' ') : 'the scope it names';
      return `Ask for it: digital-twin token --as SUBJECT --scope '${scopes}'`;
    }
    case 'NOT_FOUND':
      return (
        'Why: digital-twin explain user:NAME view_coverage member:ID; ' +
        'as someone else: --as SUBJECT'
      );
    case 'UNREACHABLE':
    case 'SHUTTING_DOWN':
      return 'See whether the server runs: digital-twin doctor';
    default:
      return undefined;
  }
}
