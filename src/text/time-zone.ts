// Names of time zones: those of IANA, and nothing else that JavaScript or PostgreSQL would also take.

/** Names that `Intl` takes but IANA does not have: `SystemV/…`, and three letters (`PST`, `IST`) save for these zones. */
const FOREIGN_ZONES = /^(systemv\/.*|(?!CET|EET|EST|GMT|HST|MET|MST|PRC|ROC|ROK|UCT|UTC|WET)[a-z]{3})$/i;

/** Zones whose names PostgreSQL takes for abbreviations without summer time, with the zones they are links to. */
const MISREAD_ZONES: Record<string, string> = {
  CET: 'Europe/Brussels',
  EET: 'Europe/Athens',
  MET: 'Europe/Brussels',
  WET: 'Europe/Lisbon',
};

/** PostgreSQL's own time zone database does not have the zone: the SQLSTATE of its refusal. */
export const UNKNOWN_ZONE_SQLSTATE = '22023';

/** Names only: `Intl` would also take offsets such as +02:00. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name) || FOREIGN_ZONES.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The zone as PostgreSQL knows it. */
export function postgresZone(name: string): string {
  return MISREAD_ZONES[name.toUpperCase()] ?? name;
}
