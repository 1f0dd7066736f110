"""Names for a believable bulk: given names and surnames in many languages, some common and most rare, as among people.

Surnames grow from their parts, as they did: stems and endings. A word stands as "Latin" or "Latin=in its own script";
"_" stands for a space.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from random import Random
from typing import NamedTuple


class Word(NamedTuple):
    latin: str
    native: str  # the same as `latin` where that is its own script


class Words:
    """Words of which the nth is drawn about 1/n as often as the first (Zipf)."""

    def __init__(self, words: list[Word]) -> None:
        self.words = words
        self.reach = list(accumulate(1 / (rank + 3) for rank in range(len(words))))

    def draw(self, chance: Random) -> Word:
        return chance.choices(self.words, cum_weights=self.reach)[0]


@dataclass(frozen=True)
class Tongue:
    """How people of one language are called. `places`: country codes, the most common first."""

    language: str
    places: str
    given: Words
    family: Words
    doubled: float = 0.0  # share with two surnames
    joint: str = " "  # between two surnames
    paired: float = 0.0  # share with two given names, as in Jean-Pierre
    native: float = 0.0  # share who write themselves in their own script
    family_first: bool = False  # in their own script


def _word(text: str) -> Word:
    latin, _, native = text.replace("_", " ").partition("=")
    return Word(latin, native or latin)


def _joined(stem: Word, ending: Word) -> Word:
    latin = stem.latin + (ending.latin.capitalize() if stem.latin.endswith("-") else ending.latin)
    return Word(latin[0].upper() + latin[1:], stem.native + ending.native)


def surnames(common: str, stems: str = "", endings: str = "") -> Words:
    """The common ones first, then every stem with every ending, shuffled, always in the same way."""
    first = [_word(text) for text in common.split()]
    ends = [_word(text) for text in endings.split()]
    grown = [_joined(_word(stem), ending) for stem in stems.split() for ending in ends]
    Random(len(grown)).shuffle(grown)
    return Words(list(dict.fromkeys([*first, *grown])))


def given_names(names: str) -> Words:
    return Words([_word(text) for text in names.split()])


PLAIN = str.maketrans({"ø": "o", "ß": "ss", "ł": "l", "ı": "i", "æ": "ae", "đ": "d", "œ": "oe", "þ": "th", "ð": "d"})


@cache
def ascii_letters(name: str) -> str:
    """As in a handle or an address: small letters without accents and signs."""
    folded = unicodedata.normalize("NFKD", name.lower()).translate(PLAIN)
    return "".join(c for c in folded if c.isascii() and c.isalnum())


ENGLISH = Tongue(
    "en", "US US US GB GB CA AU IE NZ ZA",
    given_names(
        "James Mary John Patricia Robert Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph "
        "Jessica Thomas Sarah Christopher Karen Daniel Lisa Matthew Nancy Anthony Sandra Mark Betty Steven Ashley "
        "Paul Emily Andrew Kimberly Joshua Margaret Kenneth Donna Kevin Michelle Brian Carol Timothy Amanda Ronald "
        "Melissa Jason Deborah Jeffrey Stephanie Ryan Rebecca Jacob Laura Gary Helen Nicholas Sharon Eric Cynthia "
        "Jonathan Kathleen Stephen Amy Larry Angela Justin Shirley Scott Anna Brandon Ruth Benjamin Brenda Samuel "
        "Pamela Gregory Nicole Alexander Katherine Patrick Virginia Frank Catherine Raymond Christine Jack Samantha "
        "Dennis Debra Tyler Janet Aaron Rachel Jose Carolyn Adam Emma Nathan Maria Henry Heather Zachary Diane "
        "Douglas Olivia Peter Julie Kyle Joyce Noah Victoria Ethan Kelly Jeremy Lauren Walter Christina Keith Joan "
        "Austin Evelyn Sean Megan Roger Andrea Terry Cheryl Dylan Hannah Bryan Jacqueline Jordan Martha Oliver Gloria "
        "Harry Teresa Siobhan Niamh Aoife Ciaran Eoin Rhys Gwen Alasdair Fiona Imogen Poppy Archie Alfie Freya Isla "
        "Callum"
    ),
    surnames(
        "Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Thomas Moore Jackson Martin Thompson "
        "White Harris Clark Lewis Robinson Walker Young Allen King Wright Hill Green Adams Baker Nelson Campbell "
        "Mitchell Roberts Carter Phillips Evans Turner Parker Collins Edwards Stewart Morris Murphy Cook Rogers "
        "Morgan Cooper Peterson Bailey Reed Kelly Howard Cox Ward Richardson Watson Brooks Wood James Bennett Gray "
        "Hughes Price Myers Long Foster Sanders Ross Powell Sullivan O'Brien O'Connor O'Neill McDonald McCarthy "
        "Fitzgerald",
        "Ash Brad Black Thorn Hart Wood Strat Whit Wen King Den Ald Ben Bar Bex Birch Blen Bram Brent Brock Burn Cal "
        "Car Chad Chat Chel Clay Clif Col Cor Cran Crom Dal Dar Dun East Eller Elm Fair Farn Fen Gar Gran Grim Had "
        "Hal Ham Hasl Hay Hazel Heath Hol Horn Hunt Kel Ken Kirk Lam Lang Lin Long Mar Mel Mid Mil Mor New Nor North "
        "Oak Old Os Ot Ox Pem Pres Rad Rams Raw Red Ros Row Rush Rye Sal San Sel Shel Sher South Stan Stock Stone Sut "
        "Swin Tal Tem Til Tun Up Wake Wal War Wat West Whet Wil Win Wol Wor Wyn",
        "ford ton ley well worth wood field bury combe den dale gate ham hurst land man more ridge shaw son stead "
        "stone thorpe water wick wright croft brook church bridge hill house low mere smith sey by grave",
    ),
)  # fmt: skip
GERMAN = Tongue(
    "de", "DE DE DE AT CH",
    given_names(
        "Thomas Andreas Michael Stefan Christian Peter Sabine Susanne Petra Monika Karin Martina Andrea Claudia Julia "
        "Anna Lena Lea Marie Sophie Leon Lukas Finn Jonas Paul Felix Maximilian Niklas Tobias Sebastian Florian Jan "
        "Matthias Markus Frank Jürgen Günter Jörg Käthe Hannelore Ursula Renate Ingrid Gisela Heike Birgit Anke Silke "
        "Kerstin Nicole Katrin Tanja Stefanie Melanie Nadine Franziska Johanna Friederike Charlotte Emilia Mia Hannah "
        "Clara Moritz Jakob Emil Anton Karl Heinrich Wolfgang Klaus Uwe Ralf Dirk Götz Björn Sönke Grete Änne "
        "Lieselotte"
    ),
    surnames(
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein "
        "Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Meier "
        "Lehmann Schmid Schulze Maier Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller "
        "Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann Groß",
        "Acker Alt Apfel Arn Auer Bach Baum Berg Birken Blum Boden Brand Breit Brunn Buch Burg Dach Dorn Eber Ecker "
        "Eich Eisen Engel Erlen Falken Feld Feuer Finken Fried Gold Grün Haber Hagen Hasel Heid Hell Herz Hirsch Hohl "
        "Holz Kalt Kirch Klee Korn Krumm Kupfer Lauter Lichten Linden Löwen Morgen Mühl Nuss Ober Ochsen Perl Pfann "
        "Rauch Reh Reichen Rosen Rot Salz Sand Schön Schwarz Silber Sommer Stein Stern Still Strauch Tannen Thal Wald "
        "Wasser Weiden Wein Weiß Wiesen Winter Wolf Zirn Zucker",
        "mann berger bauer huber hofer meier müller bach berg baum feld stein thal wald walder brunner ner steiner "
        "reiter reuter hauser häuser ler horn kamp rath roth schläger schmidt schneider wirth zweig",
    ),
    doubled=0.03, joint="-",
)  # fmt: skip
SPANISH = Tongue(
    "es", "MX MX ES ES CO AR CL PE US",
    given_names(
        "María José Antonio Manuel Francisco Juan David Javier Daniel Carlos Jesús Alejandro Miguel Rafael Pedro "
        "Ángel Pablo Sergio Fernando Jorge Luis Alberto Álvaro Diego Adrián Raúl Iván Rubén Óscar Ramón Enrique "
        "Andrés Vicente Joaquín Santiago Eduardo Víctor Mario Roberto Jaime Marcos Ignacio Alfonso Salvador Ricardo "
        "Emilio Hugo Carmen Ana Isabel Laura Cristina Marta Lucía Dolores Pilar Teresa Mercedes Elena Paula Raquel "
        "Rosa Manuela Sara Beatriz Rocío Julia Patricia Silvia Irene Alba Nuria Andrea Encarnación Montserrat Ángela "
        "Sofía Inés Concepción Yolanda Ximena Guadalupe Itzel Renata Valentina Camila Mateo Emiliano Gael Íñigo "
        "Begoña"
    ),
    surnames(
        "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Hernández Ruiz Díaz "
        "Moreno Muñoz Álvarez Romero Gutiérrez Alonso Navarro Torres Domínguez Ramos Vázquez Ramírez Gil Serrano "
        "Morales Molina Blanco Suárez Castro Ortega Delgado Ortiz Marín Rubio Núñez Medina Sanz Castillo Iglesias "
        "Cortés Garrido Santos Guerrero Lozano Cano Cruz Méndez Flores Prieto Herrera Peña León Márquez Cabrera "
        "Gallego Calvo Vidal Campos Reyes Vega Fuentes Carrasco Diez Aguilar Caballero Nieto Santana Ibáñez Pastor "
        "Vargas Giménez",
        "Al Arr Bal Barr Bel Ben Berm Bur Cab Cal Cam Cast Ced Cer Cord Cort Cuev Esc Esp Font Frag Gal Gan Garm Guad "
        "Herr Hin Hor Lar Led Lim Llan Mald Man March Mat Mol Mont Mur Nog Oj Oliv Palm Pan Pared Ped Pin Pozu Quint "
        "Reb Rinc Riv Rob Rosal Salv Sant Sarm Seg Sot Tab Tej Tord Torr Urr Val Varg Verd Vill Zab Zal Zam Zorr",
        "ales ado aga ara arte asco ate eda edo ejo ella ena era eros es ete ez iago ía illa illo ín ina ino ito ola "
        "ón ona or osa oso ova uela uelo ura ero",
    ),
    doubled=0.7,
)  # fmt: skip
FRENCH = Tongue(
    "fr", "FR FR FR BE CA CH",
    given_names(
        "Jean Marie Pierre Michel André Philippe Nathalie Isabelle Sylvie Catherine Françoise Martine Christophe "
        "Nicolas Frédéric Stéphane Sébastien Julien Thomas Antoine Alexandre Camille Léa Manon Chloé Emma Inès Jade "
        "Louise Alice Zoé Anaïs Océane Mathilde Margaux Hélène Cécile Aurélie Céline Émilie Élodie Amélie Benoît Gaël "
        "Loïc Maël Noël Raphaël Gabriel Hugo Lucas Louis Arthur Jules Ethan Nathan Léo Théo Mathéo Quentin Baptiste "
        "Clément Rémi Jérôme Gérard Bernard Yves Thérèse Geneviève Odile Solène Maëlle Gwenaëlle Fatoumata Amadou "
        "Ousmane"
    ),
    surnames(
        "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre Michel Garcia "
        "David Bertrand Roux Vincent Fournier Morel Girard André Lefèvre Mercier Dupont Lambert Bonnet François "
        "Martinez Legrand Garnier Faure Rousseau Blanc Guérin Muller Henry Roussel Nicolas Perrin Morin Mathieu "
        "Clément Gauthier Dumont Lopez Fontaine Chevalier Robin Masson Sanchez Gérard Nguyen Boyer Denis Lemaire "
        "Duval Joly Gautier Roger Roche",
        "Alb Amb Arn Aub Barb Baud Beau Bell Ber Bert Bill Blanch Bois Bonn Bouch Boud Bour Brun Cad Cam Carp Cast "
        "Chab Chal Champ Chap Char Chât Clair Clav Coll Corn Cour Couss Crev Dam Del Des Dum Dur Esp Fab Ferr Fléch "
        "Font Forg Foug Frais Gail Gall Gar Gaud Gill Gou Grand Grim Guich Guill Haut Jacqu Jam Jard Jour Lac Lag Lam "
        "Land Larr Lav Leb Mail Mal March Marg Mass Maur Mench Mont Mor Moul Nav Noir Oliv Pag Pel Pich Poul Prév "
        "Quin Rav Ren Riv Roch Roug Sab Sauv Sim Tav Thib Tour Vach Vall Vand Verd Vern Vign Vill",
        "ard aud ault eau el elle er et ette ier in ine on ot ou oux ert and ant as ay é ent et euil igny illon iot "
        "issier onnier ouin oux ville court mont",
    ),
    doubled=0.05, joint="-", paired=0.12,
)  # fmt: skip
NORDIC = Tongue(
    "da", "DK SE SE NO FI IS",
    given_names(
        "Anders Lars Erik Karl Johan Mikael Peter Jan Per Hans Niels Jens Søren Henrik Morten Rasmus Mads Frederik "
        "Emil Magnus Oscar Gustav Björn Håkan Åke Göran Jörgen Sven Nils Olof Torsten Kjell Øystein Håvard Sigurd "
        "Eirik Ingrid Anna Karin Kristina Eva Maria Birgitta Lena Annika Åsa Malin Frida Elin Astrid Sigrid Solveig "
        "Ragnhild Bjørg Kirsten Mette Hanne Lone Pernille Camilla Signe Freja Ida Laura Mathilde Gunnar Einar Guðrún "
        "Þóra Aino Eero Päivi"
    ),
    surnames(
        "Jensen Nielsen Hansen Pedersen Andersen Christensen Larsen Sørensen Rasmussen Petersen Jørgensen Madsen "
        "Kristensen Olsen Thomsen Christiansen Johansson Andersson Karlsson Nilsson Eriksson Larsson Olsson Persson "
        "Svensson Gustafsson Pettersson Jonsson Jansson Hansson Bengtsson Jönsson Johansen Berg Haugen Hagen "
        "Johannessen Dahl Lund Moen Holm Bakken Solberg Korhonen Virtanen Mäkinen Nieminen Østergård Åberg Öberg",
        "Ahl Alm Arv Ask Back Berg Björk Blom Bod Brand Bränn Bruun Dal Ed Ek El Eng Fag Fin Fors Frid Gran Grön Gyll "
        "Hag Hall Hav Hed Hell Hjort Holm Hög Kjær Klar Knud Kron Kvist Lag Lilje Lind Ljung Lof Lund Löv Mad Mal "
        "Mark Mell Mos Myr Nord Ny Nør Ost Palm Quist Ram Ros Rud Rosen Sand Sjö Skog Skov Smed Sol Sten Ström Stor "
        "Sund Söder Thor Torn Ulv Vall Vest Vik Vind Wahl Wall West Øster Åker Ås",
        "berg gren kvist lund man ström strand gaard gård dahl holm qvist sen sson mark stad by vall fors feldt rup "
        "borg bäck land lind nes vik hus ing in én ell",
    ),
)  # fmt: skip
DUTCH = Tongue(
    "nl", "NL NL NL BE",
    given_names(
        "Jan Piet Kees Willem Hendrik Johannes Maria Anna Elisabeth Cornelia Daan Sem Bram Thijs Lars Milan Luuk Noud "
        "Sanne Lotte Fleur Anouk Femke Maaike Marieke Ilse Wouter Jeroen Maarten Joost Sander Bas Ruben Stijn Teun "
        "Gijs Floris Koen Pieter Geert Truus Riet Ans Corrie Mieke Hanneke Tineke Noor Roos Evi Saar Tess Julia Mila "
        "Zoë Chloë"
    ),
    surnames(
        "de_Jong Jansen de_Vries van_den_Berg van_Dijk Bakker Janssen Visser Smit Meijer de_Boer Mulder de_Groot Bos "
        "Vos Peters Hendriks van_Leeuwen Dekker Brouwer de_Wit Dijkstra Smits de_Graaf van_der_Meer van_der_Linden "
        "Kok Jacobs de_Haan Vermeulen van_den_Heuvel van_der_Veen van_den_Broek de_Bruijn Schouten van_Beek Willems "
        "van_Vliet Hoekstra",
        "Aal Acht Berg Bloem Boer Bol Boom Bos Brink Broek Brug Buiten Daal Dijk Doorn Duin Eik Elz Frans Gras Groen "
        "Haas Ham Heems Hof Hol Horst Hout Huis Kamp Kerk Klaas Kloost Koe Kooi Kool Kuip Lange Leeuw Linde Loo Maas "
        "Meer Molen Nieuw Noord Oost Oud Paarde Poel Pol Riet Roos Ruiter Schaap Schip Slot Steen Stein Straat Tol "
        "Veen Veld Verbeek Vinke Vlas Voor Water Weste Wind Winkel Woud Zand Zee Zwaan Zwart",
        "stra sma huis huizen kamp ma man sen s veld meijer ink ing beek dijk horst hout laar maker mans weg wijk "
        "berg"
        "hof inga ema",
    ),
)  # fmt: skip
POLISH = Tongue(
    "pl", "PL PL PL CZ",
    given_names(
        "Anna Maria Katarzyna Małgorzata Agnieszka Barbara Ewa Krystyna Elżbieta Zofia Piotr Krzysztof Andrzej Jan "
        "Stanisław Tomasz Paweł Michał Marcin Jakub Adam Łukasz Grzegorz Zbigniew Jerzy Tadeusz Wojciech Kamil "
        "Mateusz Dawid Szymon Zuzanna Julia Maja Lena Hanna Aleksandra Oliwia Natalia Wiktoria Magdalena Joanna Beata "
        "Dorota Jadwiga Grażyna Bożena Jiří Václav Zdeněk Tereza Kateřina Lukáš Ondřej Šárka Żaneta Świętosława "
        "Radosław"
    ),
    surnames(
        "Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski "
        "Kozłowski Jankowski Mazur Kwiatkowski Krawczyk Kaczmarek Piotrowski Grabowski Zając Pawłowski Król Michalski "
        "Wróbel Novák Svoboda Novotný Dvořák Černý Procházka Kučera Veselý",
        "Adam Andrzej Bart Bed Biel Błaż Bog Bor Borow Brzoz Cich Czar Czech Dęb Dobr Dom Dud Fab Gaj Gał Gęb Głow "
        "Gor Gór Grzeg Jab Jan Jaros Jasz Jur Kal Kar Kas Klim Kol Kop Kos Krak Kras Krup Kub Kuch Łab Las Leś Lip "
        "Lis Lub Łuk Maj Mal Mar Mat Mich Mied Mor Mur Nied Nosal Nowic Olsz Ost Paw Piąt Piet Pod Raj Rat Rod Rog "
        "Rut Rzep Sad Sier Sik Sob Sok Star Stef Szcz Szel Szul Tom Trzc Urb Wal War Wasil Wierz Wil Wojt Wrzes Zab "
        "Zaw Ziel Żur",
        "owski ewski iński yński acki ecki icki czyk czak ak ek ka iak arz asz ewicz owicz uk ko oń el ala uła ura",
    ),
)  # fmt: skip
TURKISH = Tongue(
    "tr", "TR TR TR DE",
    given_names(
        "Mehmet Mustafa Ahmet Ali Hüseyin Hasan İbrahim İsmail Osman Yusuf Murat Ömer Ramazan Halil Süleyman Abdullah "
        "Mahmut Recep Salih Fatma Ayşe Emine Hatice Zeynep Elif Meryem Şerife Zehra Sultan Hanife Merve Havva Zeliha "
        "Esra Fadime Özlem Hacer Yasemin Hülya Cemile Sevim Gülsüm Leyla Dilek Büşra Aysel Songül Kübra Hakan Emre "
        "Burak Çağlar Uğur Gökhan Şükrü Tuğba Ebru Pınar Işıl Deniz Ege Defne Nehir"
    ),
    surnames(
        "Yılmaz Kaya Demir Şahin Çelik Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç "
        "Kurt Özkan Şimşek Polat Korkmaz Çakır Özcan Erdoğan Güneş Bulut Keskin Ünal Turan Avcı Tekin Aksoy",
        "Ak Al Alt Ar Ay Bal Bay Boz Can Çam Çak Dağ Dal Demir Dil Duman Ekin El Er Erk Gök Göz Gül Gün Güz Ilgaz Kan "
        "Kar Kaya Kıl Kır Koç Kor Kur Kuş Mut Ok On Öz Pak Sağ Sar Ser Sev Soy Su Şen Taş Tek Top Tun Tur Uç Ulu Uzun "
        "Ün Yağ Yal Yaz Yer Yol Yurt Yüz",
        "oğlu er soy taş demir kaya dağ men can lı lu çı alp han gül türk doğan ay baş dal el soylu gün kan tepe ova "
        "su",
    ),
)  # fmt: skip
PORTUGUESE = Tongue(
    "pt", "BR BR BR PT AO",
    given_names(
        "Maria José Ana João Antônio Francisco Carlos Paulo Pedro Lucas Luiz Marcos Luís Gabriel Rafael Francisca "
        "Daniel Marcelo Bruno Eduardo Felipe Antônia Adriana Juliana Raimundo Rodrigo Márcia Manoel Fernanda Patrícia "
        "Aline Sandra Camila Amanda Bruna Jéssica Letícia Júlia Luciana Vanessa Mariana Gustavo Vitória Larissa "
        "Thiago Matheus Beatriz Inês Tomás Gonçalo Simão Conceição Lourenço Vinícius Caetano Iracema"
    ),
    surnames(
        "Silva Santos Oliveira Souza Rodrigues Ferreira Alves Pereira Lima Gomes Costa Ribeiro Martins Carvalho "
        "Almeida Lopes Soares Fernandes Vieira Barbosa Rocha Dias Nascimento Andrade Moreira Nunes Marques Machado "
        "Mendes Freitas Cardoso Ramos Gonçalves Santana Teixeira Araújo Simões Magalhães Guimarães Conceição Assunção",
        "Abr Agu Alb Alc Amar Arag Az Barr Bast Bit Bot Brag Brit Cab Cald Camp Card Cast Cav Coel Cor Cout Cruz Dam "
        "Domin Esp Est Fag Far Fel Fig Fons Font Frag Gam Garc Gir Gouv Hil Lac Leit Lob Lour Mac Madur Mai Mal Mat "
        "Med Mel Mir Mont Mot Neg Neto Ort Pac Paix Pass Peix Pim Pin Port Quad Queir Reb Reg Sal Samp Sard Ser Seq "
        "Sot Tav Torr Val Varg Vasc Vent Vil",
        "ães al ão ar eda edo eira eiro el ela es eu ez ia ilho im inha inho ins ira ista ito oa oca ona os osa oso "
        "ucho",
    ),
    doubled=0.6,
)  # fmt: skip
