/** RFC 7519 NumericDate, in whole seconds that a number holds exactly. */
export function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
