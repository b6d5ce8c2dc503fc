import { Button } from '@/components/ui/Button';
import { Notice } from '@/components/ui/Notice';
import { errorText, t } from '@/i18n';

/** A fault of this page itself. What was written is in the outbox and the drafts: loading again loses nothing. */
export function Broken() {
  return (
    <div role="alert" className="flex h-full items-center justify-center">
      <Notice title={errorText('other')} hint={t.app.unreachableHint}>
        <Button onClick={() => window.location.reload()}>{t.app.retry}</Button>
      </Notice>
    </div>
  );
}
