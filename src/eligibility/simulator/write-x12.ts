import type { Benefit, Rejection, StatedDate } from '../model.ts';
import { compactDate } from '../stedi/requests.ts';
import type { Asked, Told } from './known.ts';

/** Of one answer: numbers and times that its envelope names. */
export interface Stamp {
  readonly checkId: string;
  readonly traceId: string;
  readonly control: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** An X12 271 (005010X279A1) of the simulator. */
export function write271(asked: Asked, told: Told, stamp: Stamp): string {
  const { subscriber, dependent } = asked;
  const [date = '', time = ''] = new Date(stamp.at)
    .toISOString()
    .slice(0, 16)
    .replace(/[-:]/g, '')
    .split('T');
  const refused = (loop: Rejection['loop']) =>
    told.rejections
      .filter((one) => one.loop === loop)
      .map(({ code, followUp = '' }) => ['AAA', 'N', '', code, followUp]);
  const stated = [...groupOf(told), ...told.dates.map(dtp)];
  const benefits = told.benefits.flatMap(ebLoop);
  const inner = dependent ? '1' : '0';
  const set = [
    ['ST', '271', '0001', VERSION],
    ['BHT', '0022', '11', stamp.traceId, date, time],
    ['HL', '1', '', '20', '1'],
    ['NM1', 'PR', '2', told.payerName, '', '', '', '', 'PI', asked.payer],
    ...refused('payer'),
    ['HL', '2', '1', '21', '1'],
    ['NM1', '1P', '2', asked.providerName, '', '', '', '', 'XX', asked.npi],
    ...refused('provider'),
    ['HL', '3', '2', '22', inner],
    ...(dependent ? [] : [['TRN', '2', stamp.traceId, '9STEDI0000']]),
    [
      'NM1',
      'IL',
      '1',
      subscriber.lastName ?? '',
      subscriber.firstName ?? '',
      '',
      '',
      '',
      'MI',
    ].concat(told.memberId ?? subscriber.memberId ?? ''),
    ...(dependent ? [] : stated.filter(([id]) => id === 'REF')),
    ...born(subscriber.dateOfBirth),
    ...(dependent ? [] : stated.filter(([id]) => id === 'DTP')),
    ...refused('subscriber'),
    ...(dependent
      ? [
          ['HL', '4', '3', '23', '0'],
          ['TRN', '2', stamp.traceId, '9STEDI0000'],
          ['NM1', '03', '1', dependent.lastName ?? '', dependent.firstName ?? ''],
          ...stated.filter(([id]) => id === 'REF'),
          ...born(dependent.dateOfBirth),
          ['INS', 'N', dependent.relationship ?? ''],
          ...stated.filter(([id]) => id === 'DTP'),
          ...refused('dependent'),
        ]
      : []),
    ...benefits,
  ];
  const number = stamp.control;
  return [
    ['ISA', '00', pad(''), '00', pad(''), 'ZZ', pad('STEDI', 15), 'ZZ', pad('SENDER', 15)].concat(
      ...[date.slice(2), time, '^', '00501', number, '0', 'T', ':'],
    ),
    ['GS', 'HB', 'STEDI', 'SENDER', date, time, String(Number(number)), 'X', VERSION],
    ...set,
    ['SE', String(set.length + 1), '0001'],
    ['GE', '1', String(Number(number))],
    ['IEA', '1', number],
  ]
    .map((segment) => `${trimmed(segment)}~`)
    .join('');
}

const VERSION = '005010X279A1';

/** All but the ISA, whose length is fixed, leave out what is empty at the end. */
function trimmed(segment: readonly string[]): string {
  const line = segment.join('*');
  return segment[0] === 'ISA' ? line : line.replace(/\*+$/, '');
}

function pad(text: string, length = 10): string {
  return text.padEnd(length);
}

function groupOf({ group: [number, name], planName = '' }: Told): string[][] {
  return [
    ...(number === '' ? [] : [['REF', '6P', number, name]]),
    ...(planName === '' ? [] : [['REF', '18', 'PLAN', planName]]),
  ];
}

function born(iso: string | undefined): string[][] {
  return iso === undefined ? [] : [['DMG', 'D8', compactDate(iso)]];
}

function dtp({ qualifier, start, end }: StatedDate): string[] {
  const from = compactDate(start);
  return end === undefined
    ? ['DTP', qualifier, 'D8', from]
    : ['DTP', qualifier, 'RD8', `${from}-${compactDate(end)}`];
}

function ebLoop(benefit: Benefit): string[][] {
  return [
    [
      ...['EB', benefit.code, benefit.level, benefit.serviceTypes.join('^'), benefit.insuranceType],
      ...[benefit.planName, benefit.period, benefit.amount, benefit.percent, benefit.quantityKind],
      ...[benefit.quantity, benefit.authorization, benefit.network, benefit.procedure],
    ].map((one) => one ?? ''),
    ...benefit.deliveries.map((line) => ['HSD', ...line.split('*')]),
    ...benefit.dates.map(dtp),
    ...benefit.messages.map((text) => ['MSG', text]),
    ...benefit.places.map((line) => ['III', ...line.split('*')]),
    ...benefit.related.flatMap(({ role, name = '', id, contacts }) => [
      ['LS', '2120'],
      ['NM1', role, '2', name, '', '', '', '', ...(id === undefined ? [] : ['PI', id])],
      ...contacts.map((said) => ['PER', 'IC', '', ...said.split(/ (.*)/, 2)]),
      ['LE', '2120'],
    ]),
  ];
}
