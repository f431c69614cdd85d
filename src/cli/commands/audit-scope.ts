import { OPERATION_SCOPES } from '../../contract/scopes.ts';

export const AUDIT_SCOPE = OPERATION_SCOPES.audit.join(' ');
