/** Keys of `_meta` in requests and results (contract "Position, etag, cursor, meta"). */

const PREFIX = 'io.digital-twin/';

export const META = {
  etag: `${PREFIX}etag`,
  position: `${PREFIX}position`,
  minPosition: `${PREFIX}minPosition`,
  allowBehind: `${PREFIX}allowBehind`,
  behind: `${PREFIX}behind`,
  gap: `${PREFIX}gap`,
  changed: `${PREFIX}changed`,
  withheld: `${PREFIX}withheld`,
  correlationId: `${PREFIX}correlationId`,
  breakGlass: `${PREFIX}breakGlass`,
  freshness: `${PREFIX}freshness`,
} as const;
