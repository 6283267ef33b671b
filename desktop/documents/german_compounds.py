"""What long German words are put together from.

German writes nouns together: who asks for a Frist means the Kündigungsfrist too. A word is divided where it ends with a
noun of the list below, or begins with one; what joins the two (s, n, en, es, er) the stemmer takes off. The list holds
nouns that many words are made with, and none that English words often end with.
"""

from desktop.documents.word_stemmer import stem

_SHORTEST_WORD = 9
_SHORTEST_PART = 4
_MOST_PARTS = 4

_NOUNS = """
    abend abfahrt abfall abgabe abkommen ablauf abschluss abschnitt absicht abteilung abwasser abzug adresse
    akte aktie amt anfang anforderung angebot angelegenheit ankunft anlage anlass anleitung anmeldung annahme
    ansatz anschluss anspruch anteil antrag anwalt anweisung anwendung anzahl anzeige apparat arbeit arbeiter
    arbeitgeber arbeitnehmer art artikel arzt aufgabe auflage aufnahme aufsicht auftrag aufwand ausbildung
    ausdruck ausfall ausgabe ausgang auskunft ausland ausnahme ausrüstung ausschuss ausstattung ausweis auto
    bahn bahnhof bank batterie bauch baum beamter bedarf bedingung befehl beginn begrenzung behandlung behörde
    beitrag belastung beleg berater beratung bereich bericht beruf bescheid bescheinigung beschluss beschwerde
    besitz bestand bestellung bestimmung betrag betreuung betrieb bewegung beweis bewertung beziehung bezirk
    bibliothek bild bildung blatt boden brief bruch brücke buch bund bürger büro bürste chef chemie code dampf
    datei daten datenbank datum dauer decke diät dienst direktor dokument dorf druck düse ebene eigentum eingang
    einheit einkommen einkunft einnahme einrichtung einsatz einsicht einstellung eintrag energie entgelt
    entscheidung entwicklung erde erfahrung ergebnis erhöhung erklärung erlaubnis ernährung ersatz ersparnis
    erstattung erwerb fabrik fach fahrer fahrt fahrzeug faktor fall familie farbe fehler feier feld fenster
    ferien fest feuer feuerwehr film firma fisch fläche flasche fleisch flug flughafen flugzeug fluss folge
    forderung forschung frage frau freiheit freund frieden frist frucht frühstück funktion garten gas gast
    gebäude geber gebiet gebühr geburt gefahr gefühl gegenstand gehalt geist geld gemeinde genehmigung gerät
    gericht geschäft geschichte geschwindigkeit gesellschaft gesetz gespräch gesundheit getränk gewalt gewerbe
    gewicht gewinn glas glaube gott grad grenze größe grund gruppe hafen haft haftung haken halle haltestelle
    handbuch handel handlung haus haushalt haut heft heim heizung herr hersteller herz hilfe himmel hitze höhe
    holz hotel hund idee impfstoff impfung industrie inhaber inhalt insel institut interesse jahr jahrhundert
    jugend kabel kaffee kammer kampf kanal karte kasse kauf käufer kenntnis kern kessel kette kind kirche klasse
    kleid klinik knopf koffer kohle konto kontrolle konzept kopf korb körper kosten kraft kraftwerk krankheit
    kredit kreis krieg küche kuchen kühlung kultur kunde kündigung kundschaft kunst kurs küste laden lager lampe
    länge laser lasten lauf leben lehre lehrer leistung leiter leitung licht liebe lieferung linie liste lohn
    luft mahlzeit mängel mangel maß maschine maßnahme maßstab material mauer medizin meer meister meldung menge
    mensch messer messung metall miete mieter milch minister ministerium mitglied mittel möbel modell monat
    morgen motor mühle müll mund museum musik mutter nachricht nacht nachweis nahrung name natur netz norm note
    nummer nutzer nutzung oberfläche objekt öffnung ordner ordnung organ ort paar papier partei partner pause
    person personal pfand pfanne pferd pflanze pflege pflicht plan platte platz politik polizei post praxis
    preis presse produkt produktion programm projekt prozess prüfung pumpe punkt qualität quelle rahmen rand
    rate rathaus raum rechner rechnung recht rechte regel regelung regierung reich reihe reinigung reise
    reparatur reserve rezept richter richtlinie richtung risiko rohr rückgabe ruhe rüstung sache salbe sammlung
    satz schaden schalter schein schicht schiff schifffahrt schirm schloss schluss schlüssel schmerz schmutz
    schnee schrank schraube schreiben schrift schritt schuh schuld schule schüler schutz schwein seele seite
    sekunde sendung senkung serie service sicherheit sicherung sicht siedlung signal sinn sitz sitzung sohn
    sommer sonne sorge spannung speicher speise spende sperre spiegel spiel spieler sprache spritze stadt
    station statt stelle stellung steuer stiftung stimme stoff störfall störung strafe strahl straße strecke
    streit strom stück studie studium stufe stuhl stunde summe suppe system tabelle tablette tafel tarif tasche
    tasse taste technik teil teilnehmer telefon teller tempel temperatur termin text thema theorie tier tisch
    titel tochter tonne topf träger training treppe trieb tuch turm typ übersicht übung uhr umsatz umstand
    umwelt unfall union universität unterlage unternehmen unterricht unterschied unterstützung untersuchung
    urlaub ursache urteil vater veranstaltung verband verbindung verbot verbrauch verbrechen verein vereinbarung
    verfahren verfassung vergleich vergütung verhalten verhältnis verkauf verkehr verlag verletzung verlust
    vermieter vermögen verordnung versammlung versicherung versorgung verspätung versuch verteilung vertrag
    vertreter vertretung verwalter verwaltung vogel volk vorgang vorschlag vorschrift vorsorge vorstand vorteil
    waffe wagen wahl wald wand wandel wasser wechsel wein welt werbung werk werkstatt werkzeug wert wesen wetter
    widerruf wiese winkel winter wirkung wirtschaft wissen wissenschaft woche wohnung wolle wort wunsch würde
    wurzel zahl zahlung zahn zeichen zeichnung zeile zeit zeitung zelle zentrum zeuge zeugnis ziel zimmer zins
    zone zucker zugang zulage zulassung zusatz zuschlag zuschuss zustand zuständigkeit zustimmung zutat zweck
    zweig zwischenfall
"""
_ONLY_ENDS = """
    auto decke element grad interesse kind liste name natur norm organ post programm rand signal system termin text typ
"""
"""Nouns that words of English begin with as well (automatic, terminal): no word is divided behind one."""
_HEADS = frozenset(head for noun in _NOUNS.split() if len(head := stem(noun, "german")) >= _SHORTEST_PART)
_BEGINNINGS = frozenset(
    noun.translate(str.maketrans("äöü", "aou")).replace("ß", "ss") + joint
    for noun in set(_NOUNS.split()) - set(_ONLY_ENDS.split())
    for joint in ("", "s", "es", "n", "en")
)


def compound_parts(word: str) -> tuple[str, ...]:
    """The stems of what `word` (in small letters) is put together from; empty where it is not known to be."""
    if len(word) < _SHORTEST_WORD:
        return ()
    parts = _divided(stem(word, "german"))
    return tuple(dict.fromkeys(stem(part, "german") for part in parts)) if len(parts) > 1 else ()


def _divided(word: str) -> list[str]:
    """`word` as the words it consists of, as far as they are known, from its end on."""
    parts: list[str] = []
    while len(parts) < _MOST_PARTS - 1 and len(word) >= _SHORTEST_WORD - 1:
        at = _head_begins(word)
        if not at:
            break
        parts.insert(0, word[at:])
        word = word[:at]
    if len(word) >= _SHORTEST_WORD - 1 and (end := _beginning_ends(word)):
        return [word[:end], word[end:], *parts]
    return [word, *parts]


def _head_begins(word: str) -> int:
    """Where the longest noun begins that `word` ends with, 0 where it ends with none."""
    return next((at for at in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1) if word[at:] in _HEADS), 0)


def _beginning_ends(word: str) -> int:
    """Where the longest noun ends, with what joins it, that `word` begins with, 0 where it begins with none."""
    longest = len(word) - _SHORTEST_PART
    return next((at for at in range(longest, _SHORTEST_PART - 1, -1) if word[:at] in _BEGINNINGS), 0)
