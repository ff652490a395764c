// The way out of a mail: an SMTP server, or without one a file in the outbox, both as the same message.
import type { SendMailOptions, Transporter } from 'nodemailer';
import type { MailSender, SmtpServer } from '../config/values.ts';
import { onDemand } from '../on-demand.ts';
import { htmlOf, type Letter, textOf } from './letter.ts';
import type { Outbox } from './outbox.ts';

/** A letter with what makes it one message, however often it is sent. */
export interface Message {
  id: string;
  createdAt: string;
  letter: Letter;
}

export interface Transport {
  /** @returns for the log, where it went. @throws when it was not taken, or when `signal` was aborted before it was. */
  send(message: Message, signal: AbortSignal): Promise<string>;
}

// Milliseconds.
const CONNECT_TIMEOUT = 10_000;
const SILENCE_TIMEOUT = 30_000;

const nodemailer = () => onDemand('nodemailer');

function mailOf(from: MailSender, { id, createdAt, letter }: Message): SendMailOptions {
  return {
    from,
    to: { name: '', address: letter.to },
    envelope: { from: from.address, to: [letter.to] },
    subject: letter.subject,
    text: textOf(letter),
    html: htmlOf(letter),
    // The same at each attempt: should it arrive twice, mailboxes and people see that it is one.
    messageId: `<${id}@${from.address.slice(from.address.lastIndexOf('@') + 1)}>`,
    date: new Date(createdAt),
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/**
 * Where encryption is demanded, the certificate is checked. Where it is not (a server on this machine, or one that was said
 * to have none), whatever it offers is better than nothing.
 */
export function smtpTransport(server: SmtpServer, from: MailSender): Transport {
  const { host, port, secure, requireTls, user, password } = server;
  const options = {
    host,
    port,
    secure,
    requireTLS: requireTls,
    tls: { rejectUnauthorized: secure || requireTls },
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' }, forceAuth: true }),
    connectionTimeout: CONNECT_TIMEOUT,
    greetingTimeout: CONNECT_TIMEOUT,
    dnsTimeout: CONNECT_TIMEOUT,
    socketTimeout: SILENCE_TIMEOUT,
  };
  let transporter: Transporter | undefined;
  return {
    send: async (message, signal) => {
      transporter ??= nodemailer().createTransport(options);
      await transporter.sendMail({ ...mailOf(from, message), signal });
      return 'was sent';
    },
  };
}

export function outboxTransport(outbox: Outbox, from: MailSender): Transport {
  return {
    send: async (message) => {
      const composer = nodemailer().createTransport({ streamTransport: true, buffer: true });
      const composed = await composer.sendMail(mailOf(from, message));
      const file = await outbox.write(message, composed.message as Buffer);
      return `was written to ${file}`;
    },
  };
}
