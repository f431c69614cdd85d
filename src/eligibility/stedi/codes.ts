/**
 * How the clearinghouse spells X12 005010X279A1 codes. Source: its own interface descriptions of
 * 2024-04-01 (OpenAPI) and 2026-06-01 (SDK). What stands in no table here is left out of the model
 * and stays in the raw answer.
 */

export class Names {
  readonly rows: readonly (readonly [code: string, name: string])[];
  readonly #codes: ReadonlyMap<string, string>;
  readonly #names: ReadonlyMap<string, string>;

  /** `1 ACTIVE_COVERAGE`, one a line; where a code has several names, the first is written. */
  constructor(table: string) {
    const rows = table
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/ (.*)/, 2) as [string, string]);
    this.rows = rows;
    this.#codes = new Map(rows.map(([code, name]) => [name, code]));
    this.#names = new Map(rows.toReversed());
  }

  codeOf(name: string | undefined): string | undefined {
    return name === undefined ? undefined : this.#codes.get(name);
  }

  nameOf(code: string | undefined): string | undefined {
    return code === undefined ? undefined : this.#names.get(code);
  }
}

/** EB01 of 2026-06-01: the array under `benefits`; statuses say theirs themselves. */
export const KINDS = new Names(`
  A coInsurance
  B coPayment
  C deductible
  CB coverageBasis
  D benefitDescription
  E exclusions
  F limitations
  G outOfPocket
  H unlimited
  I nonCovered
  J costContainment
  K reserve
  L primaryCareProvider
  M preExistingCondition
  MC managedCareCoordinator
  N servicesRestrictedToFollowingProvider
  O notDeemedMedicalNecessity
  P benefitDisclaimer
  Q secondSurgicalOpinionRequired
  R otherOrAdditionalPayer
  S priorYearsHistory
  T cardReportedStolen
  U contactFollowingEntityForInformation
  V cannotProcess
  W otherSourceOfData
  X healthCareFacility
  Y spendDown`);

export const STATUSES = new Names(`
  1 ACTIVE_COVERAGE
  2 ACTIVE_FULL_RISK_CAPITATION
  3 ACTIVE_SERVICES_CAPITATED
  4 ACTIVE_SERVICES_CAPITATED_TO_PRIMARY_CARE_PROVIDER
  5 ACTIVE_PENDING_INVESTIGATION
  6 INACTIVE
  7 INACTIVE_PENDING_ELIGIBILITY_UPDATE
  8 INACTIVE_PENDING_INVESTIGATION`);

/** EB02. */
export const LEVELS = new Names(`
  CHD CHILDREN_ONLY
  DEP DEPENDENTS_ONLY
  ECH EMPLOYEE_AND_CHILDREN
  EMP EMPLOYEE_ONLY
  ESP EMPLOYEE_AND_SPOUSE
  FAM FAMILY
  IND INDIVIDUAL
  SPC SPOUSE_AND_CHILDREN
  SPO SPOUSE_ONLY`);

/** EB04. */
export const INSURANCE_TYPES = new Names(`
  AP AUTO_INSURANCE_POLICY
  C1 COMMERCIAL
  CO CONSOLIDATED_OMNIBUS_BUDGET_RECONCILIATION_ACT_COBRA
  CP MEDICARE_CONDITIONALLY_PRIMARY
  D DISABILITY
  DB DISABILITY_BENEFITS
  EP EXCLUSIVE_PROVIDER_ORGANIZATION
  FF FAMILY_OR_FRIENDS
  GP GROUP_POLICY
  HM HEALTH_MAINTENANCE_ORGANIZATION_HMO
  HN HEALTH_MAINTENANCE_ORGANIZATION_HMO_MEDICARE_RISK
  HS SPECIAL_LOW_INCOME_MEDICARE_BENEFICIARY
  IN INDEMNITY
  IP INDIVIDUAL_POLICY
  LC LONG_TERM_CARE
  LD LONG_TERM_POLICY
  LI LIFE_INSURANCE
  LT LITIGATION
  MA MEDICARE_PART_A
  MB MEDICARE_PART_B
  MC MEDICAID
  MH MEDIGAP_PART_A
  MI MEDIGAP_PART_B
  MP MEDICARE_PRIMARY
  OT OTHER
  PE PROPERTY_INSURANCE_PERSONAL
  PL PERSONAL
  PP PERSONAL_PAYMENT_CASH_NO_INSURANCE
  PR PREFERRED_PROVIDER_ORGANIZATION_PPO
  PS POINT_OF_SERVICE_POS
  QM QUALIFIED_MEDICARE_BENEFICIARY
  RP PROPERTY_INSURANCE_REAL
  SP SUPPLEMENTAL_POLICY
  TF TAX_EQUITY_FISCAL_RESPONSIBILITY_ACT_TEFRA
  WC WORKERS_COMPENSATION
  WU WRAP_UP_POLICY`);

/** EB06. */
export const PERIODS = new Names(`
  6 HOUR
  7 DAY
  13 24_HOURS
  21 YEARS
  22 SERVICE_YEAR
  23 CALENDAR_YEAR
  24 YEAR_TO_DATE
  25 CONTRACT
  26 EPISODE
  27 VISIT
  28 OUTLIER
  29 REMAINING
  30 EXCEEDED
  31 NOT_EXCEEDED
  32 LIFETIME
  33 LIFETIME_REMAINING
  34 MONTH
  35 WEEK
  36 ADMISSION`);

/** EB09, and HSD01. */
export const QUANTITIES = new Names(`
  8H MINIMUM
  99 QUANTITY_USED
  CA COVERED_ACTUAL
  CE COVERED_ESTIMATED
  D3 NUMBER_OF_COINSURANCE_DAYS
  DB DEDUCTIBLE_BLOOD_UNITS
  DY DAYS
  FL UNITS
  HS HOURS
  LA LIFETIME_RESERVE_ACTUAL
  LE LIFETIME_RESERVE_ESTIMATED
  M2 MAXIMUM
  MN MONTH
  P6 NUMBER_OF_SERVICES_OR_PROCEDURES
  QA QUANTITY_APPROVED
  S7 AGE_HIGH_VALUE
  S8 AGE_LOW_VALUE
  VS VISITS
  YY YEARS`);

/** EB12. */
export const NETWORKS = new Names(`
  Y IN_NETWORK
  N OUT_OF_NETWORK
  W IN_AND_OUT_OF_NETWORK`);

/** EB11. */
export const AUTHORIZATIONS = new Names(`
  Y REQUIRED
  N NOT_REQUIRED`);

/** NM101 of loop 2120, in both spellings. */
export const ROLES = new Names(`
  1I PREFERRED_PROVIDER_ORGANIZATION
  1P PROVIDER
  2B THIRD_PARTY_ADMINISTRATOR
  36 EMPLOYER
  73 OTHER_PHYSICIAN
  FA FACILITY
  GP GATEWAY_PROVIDER
  GW GROUP
  I3 INDEPENDENT_PHYSICIANS_ASSOCIATION
  IL INSURED_OR_SUBSCRIBER
  LR LEGAL_REPRESENTATIVE
  OC ORIGIN_CARRIER
  P3 PRIMARY_CARE_PROVIDER
  P4 PRIOR_INSURANCE_CARRIER
  P5 PLAN_SPONSOR
  PR PAYER
  PRP PRIMARY_PAYER
  SEP SECONDARY_PAYER
  TTP TERTIARY_PAYER
  VN VENDOR
  VY ORGANIZATION_COMPLETING_CONFIGURATION_CHANGE
  X3 UTILIZATION_MANAGEMENT_ORGANIZATION
  Y2 MANAGED_CARE_ORGANIZATION
  13 CONTRACTED_SERVICE_PROVIDER
  VER PARTY_PERFORMING_VERIFICATION`);

export const LEGACY_ROLES = new Names(`
  1I Preferred Provider Organization (PPO)
  1P Provider
  2B Third-Party Administrator
  36 Employer
  73 Other Physician
  FA Facility
  GP Gateway Provider
  GW Group
  I3 Independent Physicians Association (IPA)
  IL Insured or Subscriber
  LR Legal Representative
  OC Origin Carrier
  P3 Primary Care Provider
  P4 Prior Insurance Carrier
  P5 Plan Sponsor
  PR Payer
  PRP Primary Payer
  SEP Secondary Payer
  TTP Tertiary Payer
  VN Vendor
  VY Organization Completing Configuration Change
  X3 Utilization Management Organization
  Y2 Managed Care Organization
  13 Contracted Service Provider
  VER Party Performing Verification`);

/** PER03. */
export const CONTACTS = new Names(`
  UR Uniform Resource Locator (URL)
  TE Telephone
  EM Electronic Mail
  FX Facsimile
  ED Electronic Data Interchange Access Number
  WP Work Phone Number`);

/** DTP01 of 2024-04-01, with a second spelling of one. */
export const LEGACY_DATES = new Names(`
  096 discharge
  102 issue
  152 effectiveDateOfChange
  193 periodStart
  194 periodEnd
  198 completion
  290 coordinationOfBenefits
  291 plan
  292 benefit
  295 primaryCareProvider
  304 latestVisitOrConsultation
  307 eligibility
  318 added
  340 cobraBegin
  341 cobraEnd
  342 premiumPaidToDateBegin
  342 premiumPaidtoDateBegin
  343 premiumPaidToDateEnd
  346 planBegin
  347 planEnd
  348 benefitBegin
  349 benefitEnd
  356 eligibilityBegin
  357 eligibilityEnd
  382 enrollment
  435 admission
  442 dateOfDeath
  458 certification
  472 service
  539 policyEffective
  540 policyExpiration
  636 dateOfLastUpdate
  771 status`);

/** DTP01 of 2026-06-01, where begin and end are one range. */
export const DATES = new Names(`
  096 discharge
  102 issue
  152 effectiveDateOfChange
  193 period
  198 completion
  290 coordinationOfBenefits
  291 plan
  292 benefit
  295 primaryCareProvider
  304 latestVisit
  307 eligibility
  318 added
  340 cobra
  342 premiumPaidToDate
  382 enrollment
  435 admission
  442 dateOfDeath
  458 certification
  472 service
  539 policy
  636 dateOfLastUpdate
  771 status`);

/** AAA04, as both JSON interfaces say it. */
export const FOLLOW_UPS = new Names(`
  C Please Correct and Resubmit
  N Resubmission Not Allowed
  P Please Resubmit Original Transaction
  R Resubmission Allowed
  S Do Not Resubmit; Inquiry Initiated to a Third Party
  W Please Wait 30 Days and Resubmit
  X Please Wait 10 Days and Resubmit
  Y Do Not Resubmit; We Will Hold Your Request and Respond Again Shortly`);
