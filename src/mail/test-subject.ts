/** "Test" as a word of its own, or joined to "mail" and "message" as the languages do. */
const LATIN_WORDS = [
  '(?:(?:e-?)?mail-?)?test(?:s|e|ing|i)?',
  'test-?(?:e-?)?mail(?:s|en)?',
  'test-?(?:nachricht|message|bericht|meddelande|besked|melding|viesti)',
  'pruebas?',
  'essais?',
  'prov[ae]',
  'prób[ay]|testow[aeoy]',
  'zkoušk[ay]|zkušební|testovací|skúšk[ay]|skúšobn[áýé]',
  'teszt|próba',
  'deneme(?:si)?',
  'testare|testul',
  'uji(?:an)?(?: coba)?',
  'kiểm tra|thử nghiệm',
];
const OTHER_WORDS = ['тест(?:овое|овый|ове|овий|ов|ово)?', 'проверка|проверочное|перевірка', 'δοκιμή|δοκιμαστικό'];
/** Written without spaces between words, or with particles joined to them. */
const ANYWHERE = ['テスト', '試験', '测试', '測試', '테스트', '시험', 'ทดสอบ', 'परीक्षण', 'اختبار', 'בדיקה'];

const TEST_SUBJECT = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:${[...LATIN_WORDS, ...OTHER_WORDS].join('|')})(?![\\p{L}\\p{N}])|${ANYWHERE.join('|')}`,
  'iu',
);

/** True when a subject says that the mail is a test, in the languages that camera firmware speaks. */
export function looksLikeTest(subject: string): boolean {
  return TEST_SUBJECT.test(subject.normalize('NFC'));
}
