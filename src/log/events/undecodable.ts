/** Why a record cannot be read: codes of the dead-letter topics. */
export type UndecodableReason = 'UNKNOWN_VERSION' | 'UNKNOWN_TYPE' | 'MALFORMED';

/**
 * A record that no retry makes readable. Its message is ours and tells no value of the record, so
 * it may stand in a log.
 */
export class Undecodable extends Error {
  readonly reason: UndecodableReason;

  constructor(reason: UndecodableReason, says: string, cause?: unknown) {
    super(says, { cause });
    this.name = 'Undecodable';
    this.reason = reason;
  }
}
