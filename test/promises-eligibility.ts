/** Of real-time eligibility: docs/eligibility.md. */
const promised = (id: string, says: string) => ({ id, says, source: 'eligibility.md §6' });

export const ELIGIBILITY_PROMISES = [
  promised(
    'B-EL-21',
    'Never are more calls open than there are slots, no slot stands idle beside a check that may take it, and every accepted check ends.',
  ),
  promised(
    'B-EL-22',
    'Slot-time goes by weight: two shares that always have something waiting come apart by at most 2·Lmax + Q + c·Lmax over any interval.',
  ),
];
