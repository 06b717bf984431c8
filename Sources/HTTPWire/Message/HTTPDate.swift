package import Bytes

/// Dates as HTTP writes them, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
package enum HTTPDate {
    /// Bytes of a date.
    package static let length = 29

    /// Appends the date of `unixSeconds`, seconds since 1970, as 29 bytes. Times outside the years 0 to
    /// 9999 are moved to the nearest bound, since they cannot be written.
    package static func append(unixSeconds: Int64, to buffer: ByteBuffer) {
        let seconds = min(max(unixSeconds, -62_167_219_200), 253_402_300_799)
        let days = Int((seconds >= 0 ? seconds : seconds - 86399) / 86400)
        let clock = Int(seconds) - days * 86400
        let date = civil(days)

        switch ((days + 4) % 7 + 7) % 7 {
        case 0: buffer.append("Sun, ")
        case 1: buffer.append("Mon, ")
        case 2: buffer.append("Tue, ")
        case 3: buffer.append("Wed, ")
        case 4: buffer.append("Thu, ")
        case 5: buffer.append("Fri, ")
        default: buffer.append("Sat, ")
        }
        appendTwo(date.day, to: buffer)
        switch date.month {
        case 1: buffer.append(" Jan ")
        case 2: buffer.append(" Feb ")
        case 3: buffer.append(" Mar ")
        case 4: buffer.append(" Apr ")
        case 5: buffer.append(" May ")
        case 6: buffer.append(" Jun ")
        case 7: buffer.append(" Jul ")
        case 8: buffer.append(" Aug ")
        case 9: buffer.append(" Sep ")
        case 10: buffer.append(" Oct ")
        case 11: buffer.append(" Nov ")
        default: buffer.append(" Dec ")
        }
        appendTwo(date.year / 100, to: buffer)
        appendTwo(date.year % 100, to: buffer)
        buffer.append(0x20)
        appendTwo(clock / 3600, to: buffer)
        buffer.append(UInt8(ascii: ":"))
        appendTwo(clock / 60 % 60, to: buffer)
        buffer.append(UInt8(ascii: ":"))
        appendTwo(clock % 60, to: buffer)
        buffer.append(" GMT")
    }

    private static func appendTwo(_ number: Int, to buffer: ByteBuffer) {
        buffer.append(UInt8(0x30 + number / 10))
        buffer.append(UInt8(0x30 + number % 10))
    }

    /// The day of the Gregorian calendar, `days` after 1 January 1970. Years are counted from March, so
    /// that the leap day comes last, in eras of 400 years, which are all 146,097 days long.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let sinceEra0 = days + 719_468
        let era = (sinceEra0 >= 0 ? sinceEra0 : sinceEra0 - 146_096) / 146_097
        let dayOfEra = sinceEra0 - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
