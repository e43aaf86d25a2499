import assert from 'node:assert/strict';
import { looksLikeTest } from '../../src/mail/test-subject.ts';

describe('the subject of a test mail', () => {
  for (const subject of [
    'Hikvision Mail Test',
    'E-mail Test',
    'Reolink test e-mail',
    'IPCamera mail test',
    'Test',
    'TestMail',
    'Email_Test',
    'E-Mail-Testnachricht',
    'Mailtest',
    'EmailTest!',
    'Correo de prueba',
    'Message d’essai',
    'Messaggio di prova',
    'Teste de e-mail',
    'Тестовое письмо',
    'Проверка почты',
    'メールテスト',
    '测试邮件',
    '電子郵件測試',
    '테스트메일',
    'بريد اختبار',
    'Zkušební zpráva',
    'Wiadomość testowa',
  ])
    it(`may be "${subject}"`, () => assert.equal(looksLikeTest(subject), true));

  for (const subject of [
    '',
    'Motion detected',
    'IPC Message',
    'The latest contest',
    'Testimonial of the month',
    'my own note to self',
    'Improvement',
    'Camera alert',
    'Haus & Hof Süd',
    'Our storefront is open',
  ])
    it(`is not "${subject}"`, () => assert.equal(looksLikeTest(subject), false));
});
