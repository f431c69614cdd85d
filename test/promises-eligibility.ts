/** Of real-time eligibility: docs/eligibility.md. */
const promised = (id: string, says: string) => ({ id, says, source: 'eligibility.md §6' });

/** Of the clearinghouse, the fact and batches. */
const issued = (id: string, says: string) => ({ id, says, source: 'issue 9' });

export const ELIGIBILITY_PROMISES = [
  issued(
    'B-EL-1',
    'A payer’s 271 is read as far as it can be; wrong counts and values are told as faults, and nobody gets the benefits of another patient.',
  ),
  issued('B-EL-2', 'Whatever a 271 is made of, reading it never fails and invents no benefit.'),
  issued('B-EL-3', 'An answer says the same in X12 and in both JSON shapes of the clearinghouse.'),
  issued(
    'B-EL-4',
    'The simulator refuses with 429 what its slots cannot take, and a caller that leaves frees no slot.',
  ),
  issued(
    'B-EL-5',
    'What came of a call is read from the body before the status, and says whether the payer may have been reached.',
  ),
  issued(
    'B-EL-6',
    'A batch goes out once by its name, even where its submission was not acknowledged, and each item comes back once.',
  ),
  issued(
    'B-EL-7',
    'Total, used and remaining of one benefit are one fact, remaining stated or derived; what a payer says twice and differently is not joined.',
  ),
  issued(
    'B-EL-8',
    'A payer’s answer stands in the coverage document, each fact with its source, check, trace and time; the same answer twice has no second effect.',
  ),
  issued(
    'B-EL-9',
    'The raw answer is kept byte for byte; it, and benefits that tell of protected care, stand in the full variant alone.',
  ),
  issued(
    'B-EL-10',
    'Where a payer does not say, the document says unknown, why and what to do, and keeps the last answer; a late answer never replaces a newer one.',
  ),
  issued(
    'B-EL-11',
    'Each row of a batch ends exactly once with a reason of ours, apart from the live slots; its answer becomes a fact of the member.',
  ),
  issued(
    'B-EL-12',
    'A batch goes on from wherever its instance was stopped, and nothing of it is sent to the clearinghouse twice.',
  ),
  issued(
    'B-EL-13',
    'An enrollment whose eligibility is under way is pending, finalised by the payer’s answer wherever and whenever it comes, and shows its history.',
  ),
  issued(
    'B-EL-14',
    'Above 95 % of enrollments succeed at the first attempt on a morning when waiting for 90 seconds lets 60 to 70 % succeed.',
  ),
  issued(
    'B-EL-15',
    'A thousand members by batch take less than 30 minutes, also with slow payers.',
  ),
  promised(
    'B-EL-21',
    'Never are more calls open than there are slots, no slot stands idle beside a check that may take it, and every accepted check ends.',
  ),
  promised(
    'B-EL-22',
    'Slot-time goes by weight: two shares that always have something waiting come apart by at most 2·Lmax + Q + c·Lmax over any interval.',
  ),
  promised(
    'B-EL-23',
    'Equal questions of one tenant share one call; who needs a fresh answer shares only one that began after they asked; nobody who leaves ends it for the others.',
  ),
  promised(
    'B-EL-24',
    'A refusal is asked again as its AAA code and follow-up action allow, at once for people and with growing waits for others, and each check fails with a code of ours.',
  ),
  promised(
    'B-EL-25',
    'A question that may be with the payer is asked again only once its slot has surely ended, and marked so.',
  ),
  promised(
    'B-EL-26',
    'A kept answer counts within the rule of its kind of plan, never past its month or plan year, briefly where it is bad news, and not once something speaks against it.',
  ),
  issued(
    'B-EL-27',
    'A check is answered at once and durable; the coverage document says that it is under way, and then what the payer said, with the check that told it.',
  ),
  issued('B-EL-28', 'Each mode asks the payer only where it must; a kept answer says its age.'),
  issued(
    'B-EL-29',
    'Whoever may not check a member meets what is not there; wrong and unknown words of a check are errors.',
  ),
  issued('B-EL-30', 'A read over MCP starts a paid check only where its freshness asks for one.'),
  issued(
    'B-EL-31',
    'Queues are bounded: where too many wait a check is refused at once with the expected wait, and nothing of it is accepted.',
  ),
  issued(
    'B-EL-32',
    'A service that polled is told instead: it asks once, and reads again only what has changed.',
  ),
  issued(
    'B-EL-33',
    'Over an app’s GraphQL a check is asked, told and read by the caller’s own token.',
  ),
];
