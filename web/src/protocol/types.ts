import type { components } from './generated';

type Schemas = components['schemas'];

/**
 * The description lets optional fields be `null`; the server leaves them out, and the socket's checks drop a `null`.
 * So to readers here a field is there or it is not.
 */
type WithoutNull<T> = T extends readonly (infer Item)[]
  ? WithoutNull<Item>[]
  : T extends object
    ? { [Key in keyof T]: WithoutNull<Exclude<T[Key], null>> }
    : T;
type Wire<Name extends keyof Schemas> = WithoutNull<Schemas[Name]>;

export type Role = Wire<'Role'>;
export type PresenceState = Wire<'PresenceState'>;
export type User = Wire<'User'>;
export type Me = Wire<'Me'>;
export type SignedIn = Wire<'SignedIn'>;
export type LoginSession = Wire<'LoginSession'>;
export type Member = Wire<'Member'>;
export type MemberProfile = Wire<'MemberProfile'>;
export type Attachment = Wire<'Attachment'>;
export type MessageBody = Wire<'MessageBody'>;
export type SendBody = Wire<'SendBody'>;
export type Reaction = Wire<'Reaction'>;
export type Message = Wire<'Message'>;
export type MessagePage = Wire<'MessagePage'>;
export type Conversation = Wire<'Conversation'>;
export type Cursor = Wire<'Cursor'>;
export type FileCreated = Wire<'FileCreated'>;
export type FileInfo = Wire<'FileInfo'>;
export type Problem = Wire<'Problem'>;
export type ResumePoint = Wire<'ResumePoint'>;
export type Limits = Wire<'Limits'>;
export type ClientFrame = Wire<'ClientFrame'>;

export interface Page<T> {
  items: T[];
  next?: string;
}

type KnownFrame = Wire<'ServerFrame'>;
type KnownEvent = Extract<KnownFrame, { type: 'event' }>;
/** An event of a kind that only a later version knows still moves the position. */
export type EventFrame = KnownEvent | (Omit<KnownEvent, 'kind'> & { kind: 'other' });
export type Welcome = Extract<KnownFrame, { type: 'welcome' }>;
export type AckFrame = Extract<KnownFrame, { type: 'ack' }>;
export type ErrorFrame = Extract<KnownFrame, { type: 'error' }>;
export type ServerFrame = Exclude<KnownFrame, { type: 'event' }> | EventFrame;
