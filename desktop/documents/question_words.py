"""Words that ask or join, and say nothing of what is asked for: English, German and French."""

_WORDS = """
    a about after all also am an and any are as at be because been before being but by can could did do does
    doing each for from further had has have having he her here hers him his how i if in into is it its just me
    more most my no nor not of on once only or other our out over own s same she should so some such t than that
    the their them then there these they this those through to too under until up us very was we were what when
    where which while who whom whose why will with would you your tell please explain show find give ab aber als
    am an auch auf aus bei beim bin bis bist da damit dann das dass dein deine dem den denn der des die dies
    diese dieser dieses dir doch dort du durch ein eine einem einen einer eines er es etwa etwas euch für gegen
    gibt hab habe haben hat hatte hier ich ihm ihn ihr ihre im in ins ist ja jede jeder jedes kann kannst können
    man mein meine mich mir mit muss müssen nach nicht noch nun nur ob oder ohne sehr sein seine sich sie sind
    so soll sollte über um und uns unser unter vom von vor wann war waren warum was welche welchem welchen
    welcher welches wem wen wenn wer werden wessen wie wieso wird wo wohin womit wurde wurden zu zum zur
    zwischen bitte viel viele au aux avec ce ces cette comment combien d dans de des du elle en est et eux il
    ils je l la le les leur leurs lui ma mais mes moi mon ne nos notre nous on où ou par pas pour quand que quel
    quelle quelles quels qui quoi sa sans se ses son sont sur ta te tes toi ton tu un une vos votre vous y à
"""
QUESTION_WORDS = frozenset(_WORDS.split())
"""In small letters, with their accents."""
