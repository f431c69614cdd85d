import type { IndexRow } from '../../ports.ts';
import { dayOf, said, textAt } from './answer.ts';

/** One fact of a kind in one line, with what people ask about it. */
type Tell = (row: IndexRow) => string;

const TELLS: Readonly<Record<string, Tell>> = {
  Condition: (row) => {
    const { data } = row;
    const since = row.date === '' ? '' : `since ${row.date}`;
    const state = [textAt(data, 'status'), since, said('resolved ', textAt(data, 'resolved'))];
    return `${row.title}: ${listed(state)}${said('; ', textAt(data, 'severity'))}`;
  },
  MedicationRequest: medication,
  MedicationStatement: medication,
  AllergyIntolerance: ({ title, date, data }) => {
    const more = [textAt(data, 'status'), said('since ', date === '' ? undefined : date)];
    const about = [said('criticality ', textAt(data, 'criticality')), textAt(data, 'reaction')];
    return `${title} (${listed([...more, ...about])})`;
  },
  Encounter: (row) => {
    const { data } = row;
    const place = said(' at ', textAt(data, 'where'));
    const kind = listed([row.title, textAt(data, 'class')]);
    return `${dayOf(row)}${place} (${kind})${said(', with ', textAt(data, 'who'))}${said(', for ', textAt(data, 'reason'))}`;
  },
  Observation: (row) => `${row.title}: ${textAt(row.data, 'value') ?? 'no value'} on ${dayOf(row)}`,
  CarePlan: (row) =>
    `${row.title} (${listed([textAt(row.data, 'status'), said('since ', dateOrNone(row))])})${said(': ', textAt(row.data, 'activities'))}`,
  CareTeam: (row) =>
    `${textAt(row.data, 'participants') ?? 'nobody named'} (${listed([
      row.title,
      textAt(row.data, 'status'),
      said('since ', dateOrNone(row)),
      said('for ', textAt(row.data, 'reason')),
    ])})`,
  Goal: (row) =>
    `${row.title} (${listed([textAt(row.data, 'status'), said('due ', textAt(row.data, 'due'))])})`,
};

export function tell(row: IndexRow): string {
  const own = TELLS[row.type];
  if (own !== undefined) return own(row);
  const { data } = row;
  const place = `${said(' at ', textAt(data, 'where'))}${said(' by ', textAt(data, 'who'))}`;
  const more = [textAt(data, 'value'), textAt(data, 'conclusion'), textAt(data, 'due')];
  const about = listed([...more, said('for ', textAt(data, 'reason'))]);
  return `${row.title}: ${dayOf(row)}${place}${about === '' ? '' : `, ${about}`}`;
}

function medication({ title, date, data }: IndexRow): string {
  const about = [
    textAt(data, 'status'),
    said('since ', date === '' ? undefined : date),
    textAt(data, 'dosage'),
    said('for ', textAt(data, 'reason')),
    said('by ', textAt(data, 'prescriber')),
  ];
  return `${title} (${listed(about)})`;
}

function dateOrNone({ date }: IndexRow): string | undefined {
  return date === '' ? undefined : date;
}

/** What is given, with commas. */
export function listed(texts: readonly (string | undefined)[]): string {
  return texts.filter((text) => text !== undefined && text !== '').join(', ');
}
