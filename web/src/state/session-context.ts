import { createContext, useContext } from 'react';
import type { Me } from '@/protocol/types';
import type { Account } from './Account';
import type { ChatSession } from './ChatSession';

export interface SignedInContext {
  account: Account;
  session: ChatSession;
  me: Me;
}

export const SessionContext = createContext<SignedInContext | null>(null);

export function useSignedIn(): SignedInContext {
  const context = useContext(SessionContext);
  if (!context) throw new Error('this component belongs below a SessionContext');
  return context;
}

export function useSession(): ChatSession {
  return useSignedIn().session;
}
