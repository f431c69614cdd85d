/** Why the HTTP API does not do what it is asked; our own words, safe to show. */
export class Refusal extends Error {
  readonly status: 400 | 401 | 403 | 404 | 413 | 429;

  constructor(status: Refusal['status'], says: string) {
    super(says);
    this.name = 'Refusal';
    this.status = status;
  }
}
