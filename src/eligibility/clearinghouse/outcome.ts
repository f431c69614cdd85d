import { isObject, type JsonObject } from '../../kernel/json.ts';
import { objectsOf, stringOf } from '../../twin/fhir/elements.ts';
import type { Answer } from '../model.ts';
import type { Outcome } from '../ports.ts';
import { decodeLegacy } from '../stedi/legacy.ts';
import { decodePlans } from '../stedi/plans.ts';
import { decode271 } from '../x12/decode.ts';
import type { Reply } from './http.ts';

/**
 * What came of a call. The body is asked before the status: a payer's refusal comes with 200 and
 * with 400, and a 200 may carry none of both.
 */
export function outcomeOf(reply: Reply): Outcome {
  if (reply.kind === 'none') {
    return { kind: 'unavailable', why: reply.why, reached: reply.reached };
  }
  const { status, text } = reply;
  const json = parsed(text);
  const answer = json === undefined ? undefined : answerOf(json, text);
  const told = answer === undefined ? undefined : toldOf(answer, status);
  return told ?? withoutAnswer(status, json ?? {});
}

/** Of one item in a page of a batch. */
export function outcomeOfItem(item: JsonObject): Outcome {
  const answer = answerOf(item, JSON.stringify(item));
  return (
    (answer && toldOf(answer, 200)) ?? {
      kind: 'unavailable',
      why: 'unreadable',
      reached: 'maybe',
    }
  );
}

/** By what the body holds, not by the address that was asked: shapes differ by their lists. */
function answerOf(json: JsonObject, text: string): Answer | undefined {
  const x12 = stringOf(json.x12);
  const isJson = ['plans', 'benefitsInformation', 'subscriber', 'payer', 'errors'].some(
    (key) => json[key] !== undefined,
  );
  if (!isJson) return x12 === undefined ? undefined : decode271(x12);
  const isNew = json.payerId !== undefined || json.plans !== undefined;
  const answer = isNew ? decodePlans(json, text) : decodeLegacy(json, text);
  const says = answer.benefits.length > 0 || answer.rejections.length > 0;
  if (says || x12 === undefined) return answer;
  // The clearinghouse could not put the payer's answer into JSON, and kept it.
  const inX12 = decode271(x12);
  return inX12.benefits.length > 0 || inX12.rejections.length > 0
    ? { ...inX12, raw: text }
    : answer;
}

/** Undefined where the body holds no answer of a payer. */
function toldOf(answer: Answer, status: number): Outcome | undefined {
  const { benefits, rejections, faults } = answer;
  if (faults.some(({ code }) => code === 'several-patients')) {
    return { kind: 'unavailable', why: 'unreadable', reached: 'yes', status };
  }
  if (benefits.length > 0) return { kind: 'answered', answer, reached: 'yes' };
  const [first, ...others] = rejections;
  if (first !== undefined) {
    return { kind: 'rejected', answer, rejections: [first, ...others], reached: 'yes' };
  }
  const isAnswer =
    status === 200 && (answer.subscriber !== undefined || answer.shape === 'x12-271');
  const isBroken = faults.some(({ code }) => code === 'not-an-interchange');
  return isAnswer && !isBroken ? { kind: 'answered', answer, reached: 'yes' } : undefined;
}

function withoutAnswer(status: number, json: JsonObject): Outcome {
  const code = stringOf(json.code) ?? '';
  if (status === 429 || code === 'TOO_MANY_REQUESTS') return { kind: 'throttled', reached: 'no' };
  const wrong = MISCONFIGURED[status] ?? (status >= 300 && status < 500 ? 'request' : undefined);
  if (wrong !== undefined) {
    return {
      ...{ kind: 'misconfigured', why: wrong, reached: 'no', status },
      fields: fieldsOf(json),
    };
  }
  const why = status === 504 ? 'time-out' : status === 200 ? 'unreadable' : 'upstream';
  return { kind: 'unavailable', why, reached: 'maybe', status };
}

const MISCONFIGURED: Readonly<Record<number, 'credentials' | 'forbidden' | 'not-found'>> = {
  401: 'credentials',
  403: 'forbidden',
  404: 'not-found',
};

/** Names of fields, never what stood in them: their alphabet is ours to check. */
export function fieldsOf(json: JsonObject): string[] {
  const paths = [...objectsOf(json.errors), ...objectsOf(json.fieldList)].flatMap(
    ({ path, field }) => stringOf(path) ?? stringOf(field) ?? [],
  );
  return paths.filter((path) => /^[A-Za-z0-9_./[\]()-]{1,100}$/.test(path)).slice(0, 20);
}

export function parsed(text: string): JsonObject | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isObject(json) ? (json as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
