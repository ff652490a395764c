// A believable year of somebody's tasks: busy weekdays, quiet summers, things put off, things done late.
import type { Priority } from '../contract/task.ts';

export interface DemoTask {
  title: string;
  description: string | null;
  category: string | null;
  priority: Priority;
  due_date: string | null;
  created_at: Date;
  completed_at: Date | null;
}

const DAY = 24 * 60 * 60 * 1000;
const HOUR = 60 * 60 * 1000;

interface Area {
  category: string | null;
  /** How often a task comes from here. */
  weight: number;
  titles: string[];
}

const AREAS: Area[] = [
  {
    category: 'work',
    weight: 9,
    titles: [
      'Review the pull request about time zones',
      'Write the release notes',
      'Prepare the planning meeting',
      'Answer the customer about the invoice',
      'Fix the flaky login test',
      'Update the on-call guide',
      'Draft the design for search',
      'Call the data centre',
      'Measure the slow report',
      'Interview a candidate',
      'Close old tickets',
      'Check if a < b in the discount rule',
    ],
  },
  {
    category: 'home',
    weight: 6,
    titles: [
      'Fix the dripping tap',
      'Vacuum',
      'Clean the windows',
      'Descale the kettle',
      'Sort the cellar',
      'Change the bed linen',
      'Pay the electricity bill',
      'Mend the chair',
      'Call the plumber',
    ],
  },
  {
    category: 'errands',
    weight: 5,
    titles: [
      'Buy milk',
      'Buy bread & butter',
      'Take back the parcel',
      'Buy a birthday present',
      'Bring shoes to the cobbler',
      'Return library books',
      'Pick up the prescription',
    ],
  },
  {
    category: 'health',
    weight: 4,
    titles: ['Run 5 km', 'Dentist', 'Swim', 'Stretch for ten minutes', 'Book the check-up', 'Walk to work'],
  },
  {
    category: 'garden',
    weight: 2,
    titles: [
      'Water the tomatoes',
      'Mow the lawn',
      'Prune the roses',
      'Rake the leaves',
      'Plant garlic',
      'Order seeds',
    ],
  },
  {
    category: 'learning',
    weight: 2,
    titles: [
      'Read chapter 4',
      'Practise the piano',
      'Finish the Rust exercise',
      'Spanish vocabulary',
      'Watch the talk about queues',
    ],
  },
  {
    category: 'family',
    weight: 3,
    titles: [
      'Call mum',
      'Plan the summer holiday',
      'School forms',
      'Photo album for grandma',
      'Invite Sam & Noor for dinner',
    ],
  },
  {
    category: null,
    weight: 1,
    titles: ['Renew the passport', 'Think about the car', 'Back up the laptop', 'Cancel that subscription'],
  },
];

const DESCRIPTIONS = [
  'Before noon, if possible.',
  'Ask Kim first.',
  'See the mail of last week.',
  'The blue folder has the details.',
  'Not urgent, but nice to have done.',
];

/** What is still ahead, so that not everything with a date is overdue: days until it is due, and since it was written. */
const PLANS: { title: string; category: string; priority: Priority; dueIn: number; writtenAgo: number }[] = [
  { title: 'Send the expenses', category: 'work', priority: 3, dueIn: 0, writtenAgo: 3 },
  { title: 'Bring the cake', category: 'family', priority: 2, dueIn: 0, writtenAgo: 1 },
  { title: 'Show the prototype', category: 'work', priority: 3, dueIn: 1, writtenAgo: 6 },
  { title: 'Put the bins out', category: 'home', priority: 1, dueIn: 2, writtenAgo: 2 },
  { title: 'Eye test', category: 'health', priority: 2, dueIn: 4, writtenAgo: 9 },
  { title: 'Rehearse the talk', category: 'learning', priority: 2, dueIn: 6, writtenAgo: 4 },
  { title: 'Book the train', category: 'errands', priority: 2, dueIn: 9, writtenAgo: 5 },
  { title: 'Order firewood', category: 'home', priority: 1, dueIn: 16, writtenAgo: 8 },
  { title: 'Renew the contract with the printer', category: 'work', priority: 2, dueIn: 25, writtenAgo: 7 },
];

function planned(now: number): DemoTask[] {
  return PLANS.map(({ dueIn, writtenAgo, ...task }, index) => ({
    ...task,
    description: null,
    due_date: isoDay(now + dueIn * DAY),
    // No two at one moment: the order of the list is the order of writing.
    created_at: new Date(now - writtenAgo * DAY - index * HOUR),
    completed_at: null,
  }));
}

/** A small generator with a seed (mulberry32): the same year every time. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function pick<Item>(random: () => number, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

function pickArea(random: () => number): Area {
  const tickets = AREAS.flatMap((area) => Array<Area>(area.weight).fill(area));
  return pick(random, tickets);
}

function priority(random: () => number): Priority {
  const roll = random();
  return roll < 0.2 ? 1 : roll < 0.75 ? 2 : 3;
}

function isoDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** How many tasks a day brings: more on weekdays, fewer in July and August. */
function tasksOn(day: Date, random: () => number): number {
  const weekend = day.getUTCDay() % 6 === 0;
  const summer = day.getUTCMonth() === 6 || day.getUTCMonth() === 7;
  return Math.floor(random() * (weekend ? 2.4 : 4.2) * (summer ? 0.6 : 1));
}

function taskAt(created: number, now: number, random: () => number): DemoTask {
  const { category, titles } = pickArea(random);
  const level = priority(random);
  const due = random() < 0.55 ? created + Math.ceil(random() ** 2 * 20) * DAY : undefined;
  // Most is done within days, the urgent sooner; some things never are.
  const lag = (random() ** 3 * 25 * DAY) / level + HOUR;
  const done = created + lag;
  const abandoned = random() < 0.02;
  return {
    title: pick(random, titles),
    description: random() < 0.25 ? pick(random, DESCRIPTIONS) : null,
    category,
    priority: level,
    due_date: due === undefined ? null : isoDay(due),
    created_at: new Date(created),
    completed_at: !abandoned && done < now ? new Date(done) : null,
  };
}

/** @returns the tasks of the 365 days before `now`, in the order of their last change. */
export function demoYear(now: Date, seed = 2026): DemoTask[] {
  const random = randomFrom(seed);
  const end = now.getTime();
  const tasks = planned(end);
  for (let day = 365; day >= 0; day--) {
    const midnight = Date.parse(`${isoDay(end - day * DAY)}T00:00:00Z`);
    for (let count = tasksOn(new Date(midnight), random); count > 0; count--) {
      const created = midnight + (7 + random() * 14) * HOUR;
      if (created < end) tasks.push(taskAt(created, end, random));
    }
  }
  const changedAt = (task: DemoTask) => (task.completed_at ?? task.created_at).getTime();
  return tasks.sort((one, other) => changedAt(one) - changedAt(other));
}
