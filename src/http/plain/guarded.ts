import type { Request, Response } from 'express';
import type { Operation } from '../../contract/scopes.ts';
import type { Caller } from '../../twin/reader/index.ts';

/** A route for a verified caller whose scopes fit the operation. */
export type CallerRoute = (req: Request, res: Response, caller: Caller) => Promise<void>;

/** Wraps a route: token, scopes, then the handler; whatever it throws becomes our error. */
export type Guarded = (
  operation: Operation,
  route: CallerRoute,
) => (req: Request, res: Response) => Promise<void>;
