// CHAP at the router's login page: MD5 (RFC 1321) over identifier, password and challenge.
// Octets come as hexadecimal digits.
(function () {
  "use strict";

  function md5(octets) {
    var words = [], length = octets.length, i;
    var total = (((length + 8) >> 6) + 1) * 16;
    for (i = 0; i < total; i++) words.push(0);
    for (i = 0; i < length; i++) words[i >> 2] |= octets[i] << ((i % 4) * 8);
    words[length >> 2] |= 0x80 << ((length % 4) * 8);
    words[total - 2] = length * 8;

    var turns = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
    var state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];
    for (var block = 0; block < total; block += 16) {
      var a = state[0], b = state[1], c = state[2], d = state[3];
      for (i = 0; i < 64; i++) {
        var round = i >> 4, mixed, place;
        if (round === 0) { mixed = (b & c) | (~b & d); place = i; }
        else if (round === 1) { mixed = (d & b) | (~d & c); place = (5 * i + 1) % 16; }
        else if (round === 2) { mixed = b ^ c ^ d; place = (3 * i + 5) % 16; }
        else { mixed = c ^ (b | ~d); place = (7 * i) % 16; }
        var constant = Math.floor(Math.abs(Math.sin(i + 1)) * 4294967296);
        var sum = (a + mixed + constant + words[block + place]) | 0;
        var turn = turns[round * 4 + (i % 4)];
        a = d;
        d = c;
        c = b;
        b = (b + ((sum << turn) | (sum >>> (32 - turn)))) | 0;
      }
      state = [(state[0] + a) | 0, (state[1] + b) | 0, (state[2] + c) | 0, (state[3] + d) | 0];
    }
    var text = "";
    for (i = 0; i < 16; i++) {
      text += ("0" + ((state[i >> 2] >>> ((i % 4) * 8)) & 255).toString(16)).slice(-2);
    }
    return text;
  }

  function octetsOf(hex) {
    var octets = [];
    for (var i = 0; i < hex.length; i += 2) octets.push(parseInt(hex.substr(i, 2), 16));
    return octets;
  }

  function utf8(text) {
    var octets = [], plain = unescape(encodeURIComponent(text));
    for (var i = 0; i < plain.length; i++) octets.push(plain.charCodeAt(i));
    return octets;
  }

  window.chap = function (id, password, challenge) {
    return md5(octetsOf(id).concat(utf8(password), octetsOf(challenge)));
  };
})();
