import type { Person, Question } from '../model.ts';

/** What names an interchange; the clearinghouse puts its own sender in. */
export interface Control {
  /** ISA13, 1 to 999,999,999. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** ISA15: `T` for a test key. */
  readonly usage: 'P' | 'T';
}

/**
 * A question as X12 270 (005010X279A1), one patient. Delimiters cannot stand in values: `validate`
 * refuses them before.
 * @see https://x12.org/products/transaction-sets 270, TR3 005010X279A1
 */
export function encode270(question: Question, control: Control): string {
  const { payer, provider, subscriber, dependent } = question;
  const day = new Date(control.at).toISOString().slice(0, 16).replace(/[-:]/g, '');
  const [date = '', time = ''] = day.split('T');
  const number = String(control.number % 1_000_000_000).padStart(9, '0');
  const trace = question.reference ?? number;
  const patient = dependent
    ? [
        ['HL', '3', '2', '22', '1'],
        ...subscriberOf(subscriber),
        ['HL', '4', '3', '23', '0'],
        ['TRN', '1', trace, ORIGINATOR],
        ['NM1', '03', '1', dependent.lastName ?? '', dependent.firstName ?? ''],
        ...bornOf(dependent),
        ...relationOf(dependent.relationship),
      ]
    : [
        ['HL', '3', '2', '22', '0'],
        ['TRN', '1', trace, ORIGINATOR],
        ...subscriberOf(subscriber),
        ...bornOf(subscriber),
      ];
  const set = [
    ['ST', '270', '0001', VERSION],
    ['BHT', '0022', '13', trace, date, time],
    ['HL', '1', '', '20', '1'],
    ['NM1', 'PR', '2', payer, '', '', '', '', 'PI', payer],
    ['HL', '2', '1', '21', '1'],
    ['NM1', '1P', '2', provider.name, '', '', '', '', 'XX', provider.npi],
    ...patient,
    ...(question.serviceDate ? [['DTP', '291', 'D8', compact(question.serviceDate)]] : []),
    ...question.serviceTypes.map((type) => ['EQ', type]),
  ];
  return [
    ['ISA', '00', pad(''), '00', pad(''), 'ZZ', pad('SENDER', 15), 'ZZ', pad('STEDI', 15)]
      .concat(date.slice(2), time, '^', '00501', number, '0', control.usage, ':')
      .join('*'),
    ...[
      ['GS', 'HS', 'SENDER', 'STEDI', date, time, String(control.number), 'X', VERSION],
      ...set,
      ['SE', String(set.length + 1), '0001'],
      ['GE', '1', String(control.number)],
      ['IEA', '1', number],
    ].map((segment) => segment.join('*').replace(/\*+$/, '')),
  ]
    .map((segment) => `${segment}~`)
    .join('');
}

const VERSION = '005010X279A1';
/** TRN03: company that assigned the trace; `9` and nine digits. */
const ORIGINATOR = '9000000000';

function subscriberOf({ memberId, firstName = '', lastName = '' }: Person): string[][] {
  const number = memberId === undefined ? [] : ['', '', '', 'MI', memberId];
  return [['NM1', 'IL', '1', lastName, firstName, ...number]];
}

function bornOf({ dateOfBirth }: Person): string[][] {
  return dateOfBirth === undefined ? [] : [['DMG', 'D8', compact(dateOfBirth)]];
}

function relationOf(relationship: string | undefined): string[][] {
  return relationship === undefined ? [] : [['INS', 'N', relationship]];
}

function compact(iso: string): string {
  return iso.replaceAll('-', '');
}

function pad(text: string, length = 10): string {
  return text.padEnd(length).slice(0, length);
}
