/**
 * Which of several instances does what only one may do at a time. It is an opinion, never a lock:
 * whoever was cut off may believe for a while that it still leads, so what the leader writes is
 * fenced by itself (a precondition, a transactional id).
 */
export interface Leadership {
  readonly leads: boolean;
  /** Called when this instance begins to lead; at once when it already does. */
  onGained(listener: () => void): () => void;
  /** Called when it leads no longer, and waited for before another one begins where that can be. */
  onLost(listener: () => void | Promise<void>): () => void;
}
