// What a name, an e-mail address and an image must be, whichever door they come through.
import { EMAIL_PATTERN } from '../../contract/auth.ts';
import { EMAIL_LENGTH, IMAGE_LENGTH, NAME_LENGTH } from '../../contract/limits.ts';
import { cleanText, codePointLength } from '../text/clean-text.ts';

/** Each fault completes a sentence that begins with the field's name. */
export function nameFault(clean: string): string | undefined {
  const length = codePointLength(clean);
  return length >= 1 && length <= NAME_LENGTH ? undefined : `must be 1 to ${NAME_LENGTH} characters long`;
}

export function emailFault(email: string): string | undefined {
  if (email.length > EMAIL_LENGTH) return `must be at most ${EMAIL_LENGTH} characters long`;
  return EMAIL_PATTERN.test(email) ? undefined : 'must be an e-mail address';
}

export function imageFault(image: string): string | undefined {
  const valid =
    codePointLength(image) <= IMAGE_LENGTH &&
    image.startsWith('https://') &&
    URL.canParse(image) &&
    !/[\s<>"'\\\0]/.test(image);
  return valid ? undefined : `must be an https address of at most ${IMAGE_LENGTH} characters`;
}

export function cleanName(name: string): string {
  return cleanText(name);
}
