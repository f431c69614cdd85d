/** Of break-glass: docs/break-glass.md. */
const promised = (id: string, says: string) => ({ id, says, source: 'security.md §7' });

export const BREAK_GLASS_PROMISES = [
  promised(
    'B-BG-1',
    'A person who treats or coordinates opens one member of their tenant, for at most four hours, with a reason and a fresh, strong login; the right is committed, and in log and audit, before the answer.',
  ),
  promised(
    'B-BG-2',
    'No agent, no other role, no other tenant and no weaker login breaks the glass; another tenant’s member is refused as one that does not exist.',
  ),
  promised(
    'B-BG-3',
    'At its instant, when it is ended, and when client or token are, a case opens nothing any more, on any surface, and each open stream of it ends.',
  ),
  promised(
    'B-BG-4',
    'While a person’s case on a member is open, every answer to them about that member says so, on each surface; the hot path answers none.',
  ),
  promised(
    'B-BG-5',
    'Opening, end and review stand at once in the member’s access log, in the audit as a security alert, and go out as events, by opaque ids and a code; the person’s words stand in the case alone.',
  ),
  promised(
    'B-BG-6',
    'Each case waits for a privacy officer of its tenant, who is not its person, and for one review; it survives restarts, is kept for six years, and nobody forgets a member before.',
  ),
];
