import type { Command } from 'commander';
import type { CliIo } from '../io.ts';
import { addEligibilityBatch } from './eligibility-batch.ts';
import { addEligibilityCheck, addEligibilityStatus } from './eligibility-check.ts';

/** `eligibility …`: what payers say of members. */
export function addEligibility(program: Command, io: CliIo, setExit: (code: number) => void): void {
  const eligibility = program
    .command('eligibility')
    .description('ask payers whether members are covered, and how much they pay');
  addEligibilityCheck(eligibility, io, setExit);
  addEligibilityBatch(eligibility, io, setExit);
  addEligibilityStatus(eligibility, io);
}
