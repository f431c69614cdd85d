import zip3 from './zip3.json' with { type: 'json' };

const RESTRICTED: ReadonlySet<string> = new Set(zip3.restricted);
/** USPS: states, the district, territories. */
const STATES: ReadonlySet<string> = new Set(
  (
    'AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM ' +
    'NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI'
  ).split(' '),
);

/** A state by its two letters; whatever else stands there may be a town. */
export function stateOf(state: unknown): { readonly state?: string } {
  return typeof state === 'string' && STATES.has(state) ? { state } : {};
}

/**
 * The first three digits of a ZIP code where more than 20,000 people live under them, else `000`
 * (45 CFR 164.514(b)(2)(i)(B)).
 */
export function zip3Of(postalCode: unknown): { readonly zip3?: string } {
  const [, digits] =
    typeof postalCode === 'string' ? (/^(\d{3})\d{2}(?:-\d{4})?$/.exec(postalCode) ?? []) : [];
  if (digits === undefined) return {};
  return { zip3: RESTRICTED.has(digits) ? '000' : digits };
}
