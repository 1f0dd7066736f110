"""More names for a believable bulk: of languages that people also write in scripts other than the Latin one."""

from __future__ import annotations

from config.filling_names import (
    DUTCH,
    ENGLISH,
    FRENCH,
    GERMAN,
    NORDIC,
    POLISH,
    PORTUGUESE,
    SPANISH,
    TURKISH,
    Tongue,
    given_names,
    surnames,
)

ITALIAN = Tongue(
    "it", "IT IT IT CH",
    given_names(
        "Giuseppe Maria Giovanni Anna Antonio Rosa Mario Angela Luigi Giovanna Francesco Teresa Angelo Lucia Vincenzo "
        "Carmela Pietro Caterina Salvatore Francesca Carlo Antonietta Franco Carla Domenico Elena Bruno Concetta "
        "Paolo Rita Michele Margherita Giorgio Franca Aldo Paola Sergio Chiara Luciano Giulia Marco Sara Andrea "
        "Martina Matteo Alessia Lorenzo Aurora Riccardo Ginevra Niccolò Nicolò Noè Beatrice Ludovica"
    ),
    surnames(
        "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti Costa Mancini "
        "Giordano Rizzo Lombardi Moretti Barbieri Fontana Santoro Mariani Rinaldi Caruso Ferrara Galli Martini Leone "
        "D'Angelo D'Amico De_Luca Di_Stefano Lo_Presti",
        "Alb Am Ang Bald Ball Barb Bass Ben Bert Biag Bon Borg Brun Cal Camp Cap Car Casal Cav Ciarl Col Cost Dam Don "
        "Fabr Fal Fed Fer Fior Font Franc Gal Gand Gar Gent Ghir Gigl Grand Gril Guid Lanz Lap Leon Lor Maz Mag Mal "
        "Mar Mas Mel Mont Mor Nap Ner Nov Oliv Pal Pas Pel Per Pin Piz Pol Quag Rav Rin Riv Ros Sal San Sart Scar Ser "
        "Sil Sor Tam Tor Val Vec Ven Vig Vil Zan Zuc",
        "acci ali alli ani ara arelli ari aro elli ello etti etto ico igno ignoli illi ini ino io oli oni otti otto "
        "ucci uzzi atti azzo era",
    ),
)  # fmt: skip
SLAVIC = Tongue(
    "ru", "UA UA KZ RU DE",
    given_names(
        "Aleksandr=Александр Sergei=Сергей Dmitri=Дмитрий Andrei=Андрей Aleksei=Алексей Maksim=Максим Yevgeni=Евгений "
        "Ivan=Иван Mikhail=Михаил Artyom=Артём Nikita=Никита Ilya=Илья Roman=Роман Pavel=Павел Oleg=Олег Igor=Игорь "
        "Bohdan=Богдан Taras=Тарас Oleksandr=Олександр Volodymyr=Володимир Anastasia=Анастасия Maria=Мария Anna=Анна "
        "Olga=Ольга Yelena=Елена Natalia=Наталья Tatyana=Татьяна Irina=Ирина Svetlana=Светлана Yulia=Юлия "
        "Ksenia=Ксения Daria=Дарья Polina=Полина Alina=Алина Oksana=Оксана Iryna=Ірина Viktoria=Виктория "
        "Lyudmila=Людмила"
    ),
    surnames(
        "Ivanov=Иванов Smirnov=Смирнов Kuznetsov=Кузнецов Popov=Попов Vasiliev=Васильев Petrov=Петров Sokolov=Соколов "
        "Shevchenko=Шевченко Kovalenko=Коваленко Bondarenko=Бондаренко Tkachenko=Ткаченко Melnyk=Мельник Boyko=Бойко",
        "Bar=Бар Bel=Бел Bog=Бог Bon=Бон Bor=Бор Bul=Бул Chern=Черн Dan=Дан Dem=Дем Dor=Дор Fed=Фед Fom=Фом Gal=Гал "
        "Ger=Гер Gol=Гол Gor=Гор Gus=Гус Kal=Кал Kar=Кар Kir=Кир Kol=Кол Kon=Кон Kor=Кор Kov=Ков Krav=Крав Kul=Кул "
        "Laz=Лаз Leb=Леб Lev=Лев Lit=Лит Luk=Лук Mak=Мак Mar=Мар Mat=Мат Mir=Мир Mor=Мор Naz=Наз Nik=Ник Nov=Нов "
        "Os=Ос Pan=Пан Pav=Пав Pol=Пол Prok=Прок Rom=Ром Rud=Руд Sav=Сав Sem=Сем Sid=Сид Sim=Сим Sol=Сол Star=Стар "
        "Step=Степ Tar=Тар Tim=Тим Tom=Том Vas=Вас Vin=Вин Vol=Вол Vor=Вор Yak=Як Zab=Заб Zayt=Зайт Zhuk=Жук Zhur=Жур",
        "anov=анов enko=енко chenko=ченко ets=ец in=ин ov=ов ev=ев sky=ский chuk=чук yuk=юк ko=ко ach=ач ik=ик "
        "kin=кин onov=онов ivtsev=ивцев onenko=оненко usev=усев",
    ),
    native=0.4,
)  # fmt: skip
ARABIC = Tongue(
    "ar", "EG EG MA SA AE JO FR",
    given_names(
        "Mohamed=محمد Ahmed=أحمد Mahmoud=محمود Ali=علي Hassan=حسن Hussein=حسين Ibrahim=إبراهيم Youssef=يوسف Omar=عمر "
        "Khaled=خالد Mustafa=مصطفى Abdullah=عبدالله Karim=كريم Tarek=طارق Samir=سمير Nabil=نبيل Fatima=فاطمة "
        "Aisha=عائشة Mariam=مريم Zeinab=زينب Nour=نور Sara=سارة Layla=ليلى Huda=هدى Amina=أمينة Salma=سلمى "
        "Yasmin=ياسمين Rania=رانيا Dina=دينا Heba=هبة Mona=منى Noura=نورة Khadija=خديجة Hanan=حنان Ziad=زياد "
        "Bilal=بلال"
    ),
    surnames(
        "Hassan=حسن Ibrahim=إبراهيم Mansour=منصور Haddad=حداد Khalil=خليل Nasser=ناصر Saleh=صالح Farouk=فاروق "
        "Abdelrahman=عبدالرحمن El-Sayed=السيد Ben-Ali=بن-علي Benali=بنعلي Khoury=خوري Mubarak=مبارك",
        "al-=ال el-=ال ben-=بن- abu-=أبو- abd-al-=عبدال bou=بو",
        "hariri=حريري masri=مصري amin=أمين qasim=قاسم rashid=رشيد sharif=شريف najjar=نجار tamimi=تميمي zahra=زهرة "
        "karim=كريم halabi=حلبي baghdadi=بغدادي shami=شامي fassi=فاسي idrissi=إدريسي alaoui=علوي tazi=تازي malik=مالك "
        "aziz=عزيز salam=سلام hakim=حكيم wahab=وهاب jabbar=جبار latif=لطيف ghani=غني said=سعيد yahya=يحيى daoud=داود "
        "musa=موسى omar=عمر bakr=بكر zaid=زيد khalid=خالد fares=فارس hilal=هلال qamar=قمر najm=نجم jamal=جمال "
        "kamal=كمال",
    ),
    native=0.45,
)  # fmt: skip
JAPANESE = Tongue(
    "ja", "JP JP JP JP US",
    given_names(
        "Haruto=陽翔 Yuto=悠斗 Sota=颯太 Ren=蓮 Hiroshi=浩 Takashi=隆 Kenji=健二 Akira=明 Daisuke=大輔 Kazuki=和樹 "
        "Naoki=直樹 Satoshi=聡 Makoto=誠 Yuki=雪 Hana=花 Sakura=さくら Aoi=葵 Yui=結衣 Mei=芽依 Rin=凛 Misaki=美咲 "
        "Nanami=七海 Yoko=洋子 Keiko=恵子 Kumiko=久美子 Tomoko=智子 Akiko=明子 Naomi=直美 Emi=恵美 Ayumi=歩美 Mai=舞 "
        "Riko=莉子 Shota=翔太 Tsubasa=翼"
    ),
    surnames(
        "Sato=佐藤 Suzuki=鈴木 Takahashi=高橋 Tanaka=田中 Watanabe=渡辺 Ito=伊藤 Yamamoto=山本 Nakamura=中村 "
        "Kobayashi=小林 Kato=加藤 Yoshida=吉田 Yamada=山田 Sasaki=佐々木 Matsumoto=松本 Inoue=井上 Kimura=木村 "
        "Hayashi=林 Shimizu=清水",
        "aka=赤 ao=青 asa=朝 fuji=藤 fuku=福 furu=古 hama=浜 hara=原 hashi=橋 hira=平 hoso=細 ichi=市 ike=池 ima=今 "
        "ishi=石 iwa=岩 kami=上 kawa=川 kita=北 ko=小 kuro=黒 matsu=松 minami=南 mita=三田 miya=宮 mori=森 naga=長 "
        "naka=中 nishi=西 no=野 oka=岡 oku=奥 saka=坂 saku=桜 sawa=沢 shima=島 shiro=白 sugi=杉 taka=高 take=竹 "
        "tani=谷 tera=寺 tsuchi=土 ue=上 uchi=内 ume=梅 yama=山 yoko=横 yoshi=吉",
        "moto=本 mura=村 yama=山 kawa=川 da=田 saki=崎 shima=島 hara=原 no=野 guchi=口 bayashi=林 mori=森 numa=沼 "
        "oka=岡 tani=谷 uchi=内 ura=浦 waki=脇 zaki=崎 zawa=沢 be=部 ki=木 hashi=橋 se=瀬 kubo=久保",
    ),
    native=0.5, family_first=True,
)  # fmt: skip
INDIAN = Tongue(
    "hi", "IN IN IN IN GB US",
    given_names(
        "Rahul=राहुल Amit=अमित Rajesh=राजेश Sanjay=संजय Vijay=विजय Arjun=अर्जुन Rohan=रोहन Vikram=विक्रम Suresh=सुरेश "
        "Aditya=आदित्य Karan=करण Manoj=मनोज Deepak=दीपक Ravi=रवि Anil=अनिल Priya=प्रिया Pooja=पूजा Anjali=अंजलि "
        "Neha=नेहा Sunita=सुनीता Kavita=कविता Lakshmi=लक्ष्मी Divya=दिव्या Sneha=स्नेहा Ananya=अनन्या Isha=ईशा "
        "Meera=मीरा Radha=राधा Aarav=आरव Diya=दीया Kiran=किरण Nisha=निशा Shreya=श्रेया Gaurav=गौरव Harish=हरीश "
        "Ashok=अशोक"
    ),
    surnames(
        "Kumar=कुमार Singh=सिंह Sharma=शर्मा Patel=पटेल Gupta=गुप्ता Reddy=रेड्डी Khan=ख़ान Das=दास Joshi=जोशी "
        "Verma=वर्मा Mehta=मेहता Nair=नायर Iyer=अय्यर Chopra=चोपड़ा Malhotra=मल्होत्रा Kapoor=कपूर Agarwal=अग्रवाल "
        "Mishra=मिश्रा",
        "Bala Bhat Chand Chatur Dand Desh Deva Dharma Gang Giri Gopal Guru Hari Jaga Kali Krishna Lal Madhav Maha "
        "Mukh Nanda Nara Padma Parth Pura Raja Rama Ranga Sachid Sadh Sahas Sam Sankara Satya Sesha Shiva Siddha Soma "
        "Sri Subra Sundar Surya Swami Tara Teja Tri Uma Vasu Venkata Vidya Vishwa Yoga",
        "kar wal nathan raman murthy rao das dev pati raj swamy varma an appa amma esh pandey nand char dhar deshi "
        "ghar gar pal ram anand iah ulu",
    ),
    native=0.15,
)  # fmt: skip
CHINESE = Tongue(
    "zh", "CN SG TW MY CA",
    given_names(
        "Wei=伟 Fang=芳 Na=娜 Min=敏 Jing=静 Li=丽 Qiang=强 Lei=磊 Jun=军 Yang=洋 Yong=勇 Yan=艳 Jie=杰 Tao=涛 "
        "Ming=明 Chao=超 Xiulan=秀兰 Xia=霞 Ping=平 Gang=刚 Guiying=桂英 Zihan=子涵 Yuxuan=宇轩 Haoran=浩然 "
        "Xinyi=欣怡 Zixuan=梓轩 Yutong=雨桐 Meiling=美玲 Xiaoming=小明 Jiahao=嘉豪 Siying=思颖 Wenjie=文杰 Yifan=一凡 "
        "Ruoxi=若曦"
    ),
    surnames(
        "Wang=王 Li=李 Zhang=张 Liu=刘 Chen=陈 Yang=杨 Huang=黄 Zhao=赵 Wu=吴 Zhou=周 Xu=徐 Sun=孙 Ma=马 Zhu=朱 Hu=胡 "
        "Guo=郭 He=何 Lin=林 Luo=罗 Gao=高 Zheng=郑 Liang=梁 Xie=谢 Song=宋 Tang=唐 Deng=邓 Han=韩 Feng=冯 Cao=曹 "
        "Peng=彭 Zeng=曾 Xiao=肖 Tian=田 Dong=董 Pan=潘 Yuan=袁 Cai=蔡 Jiang=蒋 Yu=余 Du=杜 Ye=叶 Cheng=程 Wei=魏 "
        "Su=苏 Lu=吕 Ding=丁 Ren=任 Shen=沈 Yao=姚 Ouyang=欧阳 Sima=司马 Zhuge=诸葛 Ong Tan Lim Goh Chua Teo Koh",
    ),
    native=0.5, family_first=True,
)  # fmt: skip
AFRICAN = Tongue(
    "en", "NG NG KE GH ZA GB",
    given_names(
        "Oluwaseun Chinedu Emeka Ngozi Chioma Ifeanyi Adaeze Babatunde Folake Olumide Yetunde Tunde Amara Kelechi "
        "Uche Nneka Obinna Segun Kwame Kofi Akosua Abena Yaw Esi Wanjiru Kamau Njeri Otieno Achieng Mwangi Thabo "
        "Sipho Nomsa Lerato Zanele Bongani Amina Musa Halima Sani"
    ),
    surnames(
        "Okafor Okonkwo Adeyemi Balogun Eze Nwosu Mensah Owusu Boateng Mwangi Otieno Kamau Dlamini Nkosi Ndlovu "
        "Abubakar",
        "Ade Ola Olu Oye Ayo Aki Ogun Awo Omo Ife Chuk Nwa Oko Eke Uzo Obi Anya Ike Ugo Oka Ani Odu Ebo Ama Asa Bon "
        "Kwa Nana Opo Sar Fre Adu Agye Nko Mbe Zul Mthe Sib Khu Nxu",
        "yemi bayo wale sanya kunle tola funmi niyi goke dele ji kanmi ma ka wuma fulu mezie kwu nna chi ra nde egbu "
        "ike ni mah pong teng ku ko lo si thi ba se ngu zi",
    ),
    doubled=0.04, joint="-",
)  # fmt: skip
GREEK = Tongue(
    "el", "GR GR GR CY AU",
    given_names(
        "Giorgos=Γιώργος Dimitris=Δημήτρης Kostas=Κώστας Yannis=Γιάννης Nikos=Νίκος Panagiotis=Παναγιώτης "
        "Vasilis=Βασίλης Christos=Χρήστος Maria=Μαρία Eleni=Ελένη Katerina=Κατερίνα Vasiliki=Βασιλική Sofia=Σοφία "
        "Angeliki=Αγγελική Georgia=Γεωργία Dimitra=Δήμητρα Ioanna=Ιωάννα Anna=Άννα Despina=Δέσποινα Stavros=Σταύρος"
    ),
    surnames(
        "Papadopoulos=Παπαδόπουλος Papadakis=Παπαδάκης Pappas=Παππάς Karagiannis=Καραγιάννης Vlachos=Βλάχος",
        "Papa=Παπα Kara=Καρα Geor=Γεωρ Dimi=Δημη Nikol=Νικολ Kon=Κων Anagn=Αναγν Theo=Θεο Chatzi=Χατζη Stav=Σταυ "
        "Ant=Αντ Vasil=Βασιλ Mich=Μιχ Pan=Παν Lamb=Λαμπ Kal=Καλ Mav=Μαυ Spir=Σπυρ Xan=Ξαν Zar=Ζαρ Alex=Αλεξ Ath=Αθ "
        "Gian=Γιαν Makr=Μακρ",
        "opoulos=όπουλος akis=άκης idis=ίδης iadis=ιάδης oglou=όγλου as=άς is=ής os=ος ellis=έλλης akos=άκος "
        "atos=άτος ides=ίδες eas=έας ousis=ούσης",
    ),
    native=0.35,
)  # fmt: skip

# tongue and how many of a hundred
SPOKEN: tuple[tuple[Tongue, int], ...] = (
    (ENGLISH, 30), (SPANISH, 13), (GERMAN, 9), (FRENCH, 8), (NORDIC, 6), (DUTCH, 4), (ITALIAN, 4), (POLISH, 4),
    (PORTUGUESE, 5), (TURKISH, 3), (INDIAN, 4), (AFRICAN, 3), (SLAVIC, 2), (ARABIC, 2), (JAPANESE, 1), (CHINESE, 1),
    (GREEK, 1),
)  # fmt: skip
