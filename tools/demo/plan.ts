/** What covers a demo member and what was paid: coverage, benefits stated by the payer, claims. */

import { coded, HL7, OURS, type Records, type Resource, reference, resource, usd } from './fhir.ts';

export interface Plan {
  readonly part: string;
  readonly plan: readonly [id: string, name: string];
  readonly group: string;
  readonly subscriberId: string;
  readonly relationship: 'self' | 'child';
  readonly subscriber: { readonly reference: string };
  readonly period: { readonly start: string; readonly end: string };
  readonly copays: { readonly office: number; readonly specialist: number; readonly er: number };
}

const PAYER = reference('Organization', 'demo-payer');

export function coverage({ id, subject }: Records, plan: Plan): Resource {
  const [planId, planName] = plan.plan;
  const copay = (code: string, text: string, value: number): Record<string, unknown> => ({
    type: coded('coverage-copay-type', code, text),
    valueMoney: usd(value),
  });
  const kind = (code: string, value: string, name: string): Record<string, unknown> => ({
    type: coded('coverage-class', code),
    value,
    name,
  });
  return resource('Coverage', id(plan.part), {
    identifier: [{ system: `${OURS}/coverages`, value: id(plan.part) }],
    status: 'active',
    type: coded('v3-ActCode', 'EHCPOL', 'extended healthcare'),
    subscriber: plan.subscriber,
    subscriberId: plan.subscriberId,
    beneficiary: subject,
    dependent: plan.relationship === 'self' ? '01' : '02',
    relationship: coded('subscriber-relationship', plan.relationship),
    period: plan.period,
    payor: [PAYER],
    class: [kind('plan', planId, planName), kind('group', plan.group, 'Sample Works')],
    order: 1,
    network: 'Demo Preferred Network',
    costToBeneficiary: [
      copay('gpvisit', 'GP Office Visit', plan.copays.office),
      copay('spvisit', 'Specialist Office Visit', plan.copays.specialist),
      copay('emergency', 'Emergency', plan.copays.er),
    ],
  });
}

export interface Benefit {
  readonly of: 'deductible' | 'out-of-pocket';
  readonly unit: 'individual' | 'family';
  readonly total: number;
  readonly used: number;
}

/** What the payer said of the benefits, and when. */
export function benefits(
  { id, subject }: Records,
  coveragePart: string,
  asked: string,
  stated: readonly Benefit[],
): Resource {
  return resource('CoverageEligibilityResponse', id(`${coveragePart}-benefits`), {
    status: 'active',
    purpose: ['benefits'],
    patient: subject,
    created: asked,
    request: { display: `Eligibility check of ${asked.slice(0, 10)}` },
    outcome: 'complete',
    insurer: PAYER,
    insurance: [
      {
        coverage: reference('Coverage', id(coveragePart)),
        inforce: true,
        item: stated.map((benefit) => ({
          category: {
            coding: [{ system: `${HL7}/ex-benefitcategory`, code: '30' }],
            text: 'Health Benefit Plan Coverage',
          },
          network: coded('benefit-network', 'in', 'In Network'),
          unit: coded('benefit-unit', benefit.unit),
          term: coded('benefit-term', 'annual', 'Annual'),
          benefit: [
            {
              type: coded('benefit-type', benefit.of),
              allowedMoney: usd(benefit.total),
              usedMoney: usd(benefit.used),
            },
          ],
        })),
      },
    ],
  });
}

export interface Claim {
  readonly part: string;
  readonly coverage: string;
  readonly what: string;
  readonly date: string;
  readonly submitted: number;
  readonly allowed: number;
  readonly paid: number;
}

/** The member owes what was allowed and not paid. */
export function explanation({ id, subject }: Records, claim: Claim): Resource {
  const amount = (code: string, value: number): Record<string, unknown> => ({
    category: coded('adjudication', code),
    amount: usd(value),
  });
  const owed = Number((claim.allowed - claim.paid).toFixed(2));
  const amounts = [
    amount('submitted', claim.submitted),
    amount('eligible', claim.allowed),
    amount('benefit', claim.paid),
    amount('copay', owed),
  ];
  return resource('ExplanationOfBenefit', id(claim.part), {
    identifier: [{ system: `${OURS}/claims`, value: id(claim.part) }],
    status: 'active',
    type: coded('claim-type', 'professional', 'Professional'),
    use: 'claim',
    patient: subject,
    billablePeriod: { start: claim.date, end: claim.date },
    created: claim.date,
    insurer: PAYER,
    provider: reference('Organization', 'demo-clinic'),
    outcome: 'complete',
    insurance: [{ focal: true, coverage: reference('Coverage', id(claim.coverage)) }],
    item: [
      {
        sequence: 1,
        productOrService: { text: claim.what },
        servicedDate: claim.date,
        net: usd(claim.submitted),
        adjudication: amounts,
      },
    ],
    total: amounts,
    payment: { amount: usd(claim.paid), date: claim.date },
  });
}
