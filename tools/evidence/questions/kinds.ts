import { type Chart, day, hasCode, newest, type Resource, textOf } from './fhir.ts';

type Answers = string[][];
/** The answer groups of one kind for one member; nothing where the record cannot answer. */
type Kind = (chart: Chart) => { section: string; answers: Answers; about?: string } | undefined;

const OBSERVATIONS = [
  ...['4548-4', '39156-5', '29463-7', '8302-2', '2093-3', '18262-6', '2085-9', '2571-8'],
  ...['2339-0', '6299-2', '38483-4', '33914-3', '6298-4', '2947-0', '49765-1', '718-7'],
  ...['6690-2', '777-3'],
];

const VACCINES: Readonly<Record<string, readonly string[]>> = {
  flu: ['140'],
  tetanus: ['113', '115', '20'],
  pneumococcal: ['33', '133'],
  zoster: ['121'],
  hepb: ['08', '43'],
};

export const KINDS: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(OBSERVATIONS.map((code) => [`obs-${code}`, latestValue(code)])),
  ...Object.fromEntries(
    Object.entries(VACCINES).map(([name, codes]) => [name, latestVaccine(codes)]),
  ),
  bp: (chart) => clinical(pressures(chart)[0]),
  'bp-before': (chart) => {
    const [last, before] = pressures(chart);
    return last && before && clinical([...last, ...before]);
  },
  'weight-before': (chart) => {
    const [last, before] = newest(observed(chart, '29463-7'), when);
    return last && before && clinical([numbers(value(last)), numbers(value(before))]);
  },
  smoking: (chart) => {
    const [last] = newest(observed(chart, '72166-2'), when);
    return last && clinical([[textOf(last.valueCodeableConcept)]]);
  },
  meds: (chart) => {
    const active = chart.of('MedicationRequest').filter(({ status }) => status === 'active');
    const names = active.map((one) => textOf(one.medicationCodeableConcept));
    return names.length === 0 || names.length > 8 ? undefined : clinical(unique(names));
  },
  allergies: (chart) => {
    const names = chart.of('AllergyIntolerance').map(({ code }) => textOf(code));
    return names.length === 0 ? undefined : clinical(unique(names));
  },
  since: (chart) => {
    const own = chart.of('Condition').filter(isLasting);
    const [one] = own.filter(({ code }) => single(own, textOf(code)));
    return one && { ...clinical([[day(one.onsetDateTime)]]), about: plain(textOf(one.code)) };
  },
  'newest-problem': (chart) => {
    const [one] = newest(
      chart.of('Condition').filter(isLasting),
      ({ onsetDateTime }) => onsetDateTime,
    );
    return one && clinical([[plain(textOf(one.code))], [day(one.onsetDateTime)]]);
  },
  conditions: (chart) => {
    const names = chart
      .of('Condition')
      .filter(isLasting)
      .map(({ code }) => plain(textOf(code)));
    return names.length === 0 ? undefined : clinical(unique(names));
  },
  'last-visit': (chart) => {
    const [last] = visits(chart);
    const place = chart.at(last?.serviceProvider?.reference)?.name;
    return last && place && clinical([[day(last.period.start)], [place]]);
  },
  'visit-who': (chart) => {
    const [last] = visits(chart);
    const who = chart.at(last?.participant?.[0]?.individual?.reference)?.name?.[0];
    return who && clinical([[who.family]]);
  },
  er: (chart) => {
    const [last] = visits(chart).filter(
      (one) => one.class?.code === 'EMER' || one.class?.code === 'emergency',
    );
    return last && clinical([[day(last.period.start)]]);
  },
  'visits-in-year': (chart) => {
    const [year, count] = busiest(visits(chart).map(({ period }) => day(period.start).slice(0, 4)));
    return year === undefined || count < 2
      ? undefined
      : { ...clinical([[String(count)]]), about: year };
  },
  colonoscopy: (chart) => {
    const own = chart.of('Procedure').filter(({ code }) => hasCode(code, '73761001'));
    const [last] = newest(own, (one) => one.performedPeriod?.start ?? one.performedDateTime);
    return last && clinical([[day(last.performedPeriod?.start ?? last.performedDateTime)]]);
  },
  payer: (chart) => {
    const benefits = newest(
      chart.of('ExplanationOfBenefit'),
      ({ billablePeriod }) => billablePeriod?.start,
    );
    const name = benefits[0]?.insurer?.display;
    return name === undefined ? undefined : { section: 'coverage', answers: [[name]] };
  },
  billed: (chart) => {
    const claims = chart.of('Claim');
    const [year] = busiest(
      claims.map(({ billablePeriod }) => day(billablePeriod.start).slice(0, 4)),
    );
    const own = claims.filter(({ billablePeriod }) =>
      day(billablePeriod.start).startsWith(year ?? '-'),
    );
    const total =
      own.reduce((sum, one) => sum + Math.round((one.total?.value ?? 0) * 100), 0) / 100;
    const answers = [[total.toFixed(2), String(Math.round(total))]];
    return year === undefined || total === 0
      ? undefined
      : { section: 'financial', answers, about: year };
  },
  'care-plan': (chart) => {
    const active = chart.of('CarePlan').filter(({ status }) => status === 'active');
    const names = unique(active.map(({ category }) => textOf(category?.[0])));
    return names.length === 0 ? undefined : { section: 'care', answers: names };
  },
  goals: (chart) => {
    const names = unique(chart.of('Goal').map(({ description }) => textOf(description)));
    return names.length === 0 ? undefined : { section: 'care', answers: names };
  },
  phone: ({ patient }) => profile(patient.telecom?.[0]?.value),
  city: ({ patient }) => profile(patient.address?.[0]?.city),
  born: ({ patient }) => profile(patient.birthDate),
  gender: ({ patient }) => profile(patient.gender),
  marital: ({ patient }) => profile(textOf(patient.maritalStatus)),
  language: ({ patient }) => profile(textOf(patient.communication?.[0]?.language)),
  race: ({ patient }) => {
    const own = (patient.extension ?? []).find(({ url }: { url: string }) =>
      url.endsWith('us-core-race'),
    );
    const text = own?.extension?.find(({ url }: { url: string }) => url === 'text');
    return profile(text?.valueString);
  },
};

const when = (one: Resource): string | undefined => one.effectiveDateTime;
const value = (one: Resource): number => one.valueQuantity?.value;

function observed(chart: Chart, code: string): Resource[] {
  return chart.of('Observation').filter((one) => hasCode(one.code, code));
}

function latestValue(code: string): Kind {
  return (chart) => {
    const [last, before] = newest(observed(chart, code), when);
    // Two values of one instant have no latest.
    if (last === undefined || value(last) === undefined || (before && when(before) === when(last)))
      return;
    return clinical([numbers(value(last)), [day(when(last))]]);
  };
}

function latestVaccine(codes: readonly string[]): Kind {
  return (chart) => {
    const own = chart
      .of('Immunization')
      .filter(({ vaccineCode }) => hasCode(vaccineCode, ...codes));
    const [last] = newest(own, ({ occurrenceDateTime }) => occurrenceDateTime);
    return last && clinical([[day(last.occurrenceDateTime)]]);
  };
}

/** Systolic, diastolic and the date, the newest panel first. */
function pressures(chart: Chart): Answers[] {
  return newest(observed(chart, '55284-4'), when).map((panel) => {
    const part = (code: string) =>
      panel.component.find((one: Resource) => hasCode(one.code, code)).valueQuantity.value;
    return [numbers(part('8480-6')), numbers(part('8462-4')), [day(when(panel))]];
  });
}

/** A number as it stands, with one or two decimals, and whole. */
function numbers(number: number): string[] {
  return unique([
    String(number),
    number.toFixed(1),
    number.toFixed(2),
    String(Math.round(number)),
  ]).flat();
}

function visits(chart: Chart): Resource[] {
  return newest(chart.of('Encounter'), ({ period }) => period?.start);
}

function isLasting({ clinicalStatus }: Resource): boolean {
  return hasCode(clinicalStatus, 'active');
}

/** SNOMED's semantic tag is no part of how people say it. */
function plain(display: string): string {
  return display.replace(/ \((disorder|finding|situation)\)$/, '').toLowerCase();
}

function single(conditions: readonly Resource[], text: string): boolean {
  return conditions.filter(({ code }) => textOf(code) === text).length === 1;
}

function busiest(years: readonly string[]): [string | undefined, number] {
  const counts = [...Map.groupBy(years, (year) => year)].map(
    ([year, own]) => [year, own.length] as const,
  );
  // The newest of the last years with the most, so that a question is one that people would ask.
  const [most] = counts
    .sort((a, b) => (a[0] < b[0] ? 1 : -1))
    .slice(0, 3)
    .sort((a, b) => b[1] - a[1]);
  return most === undefined ? [undefined, 0] : [...most];
}

const unique = (texts: readonly string[]): string[][] => [...new Set(texts)].map((text) => [text]);
const clinical = (answers: Answers | undefined) => ({
  section: 'clinical',
  answers: answers ?? [],
});
const profile = (text: string | undefined) =>
  text === undefined || text === '' ? undefined : { section: 'profile', answers: [[text]] };
