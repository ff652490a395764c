// The small shapes that the others are made of: times, dates, nullable text, messages.
import { Type } from 'typebox';

/** RFC 3339 in UTC with milliseconds. */
export const Time = Type.String({ format: 'date-time', examples: ['2026-01-03T10:30:00.000Z'] });

export const NullableTime = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  format: 'date-time',
  examples: [null],
});

export const NullableDate = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  format: 'date',
  examples: ['2026-01-31'],
});

export function nullableText(maximum: number, example: string) {
  return Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: maximum, examples: [example] });
}

export const Message = Type.Object({ message: Type.String() }, { $id: 'Message' });
