// A client as a front end would be one: JSON over fetch, with a cookie jar.
import { randomUUID } from 'node:crypto';

export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
  text: string;
}

export interface RequestOptions {
  json?: unknown;
  /** The body as it is, instead of `json`. */
  body?: string | Uint8Array;
  headers?: Record<string, string>;
}

// biome-ignore lint/suspicious/noExplicitAny: answers are asserted on, field by field
export type AnyBody = any;

export class Client {
  readonly url: string;
  /** Cookies by name. */
  readonly cookies = new Map<string, string>();
  bearer: string | undefined;

  constructor(url: string) {
    this.url = url;
  }

  async request<Body = AnyBody>(
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<Answer<Body>> {
    const headers = new Headers(options.headers);
    if (this.bearer !== undefined && !headers.has('authorization'))
      headers.set('authorization', `Bearer ${this.bearer}`);
    if (this.cookies.size > 0 && !headers.has('cookie'))
      headers.set('cookie', [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '));
    if (options.json !== undefined && !headers.has('content-type'))
      headers.set('content-type', 'application/json');
    const body = options.body ?? (options.json === undefined ? null : JSON.stringify(options.json));
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers,
      body: body as NonNullable<RequestInit['body']> | null,
      redirect: 'manual',
    });
    this.#keepCookies(response.headers.getSetCookie());
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (isJson && text !== '' ? JSON.parse(text) : text) as Body,
    };
  }

  get = (path: string, options?: RequestOptions) => this.request('GET', path, options);
  post = (path: string, json?: unknown, options?: RequestOptions) =>
    this.request('POST', path, { json, ...options });
  put = (path: string, json?: unknown, options?: RequestOptions) =>
    this.request('PUT', path, { json, ...options });
  patch = (path: string, json?: unknown, options?: RequestOptions) =>
    this.request('PATCH', path, { json, ...options });
  delete = (path: string, options?: RequestOptions) => this.request('DELETE', path, options);

  #keepCookies(lines: string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      if (attributes.includes('Max-Age=0')) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }
}

export const PASSWORD = 'correct horse battery';

/** A new account, signed in by cookie. Each costs a bcrypt hash: share one where a test allows it. */
export async function signUp(
  url: string,
  email = `${randomUUID()}@example.com`,
): Promise<Client & { user: AnyBody; session: AnyBody; accessToken: string }> {
  const client = new Client(url);
  const { status, body, text } = await client.post('/api/auth/signup', {
    name: 'Ada',
    email,
    password: PASSWORD,
  });
  if (status !== 201) throw new Error(`Sign-up failed with ${status}: ${text}`);
  return Object.assign(client, {
    user: body.user,
    session: body.session,
    accessToken: body.access_token as string,
  });
}
