// The columns of a task that clients see.

/** In the order of the contract. */
export const TASK_COLUMNS =
  'id, title, description, status, category, priority, due_date, completed_at, created_at, updated_at, user_id, rev';
