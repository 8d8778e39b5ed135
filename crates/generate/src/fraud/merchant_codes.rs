//! The merchant category codes and what business under each looks like.
//!
//! Codes and descriptions are the public ones of `mcc_codes.json`, in its order. The numbers are round figures of ours.

use crate::text::push_number;

/// A merchant category and its habits.
pub(crate) struct MerchantCode {
    /// Four digits.
    pub(crate) code: u16,
    /// What `mcc_codes.json` calls it.
    pub(crate) about: &'static str,
    /// How much of all shopping happens here, in parts of about ten thousand.
    pub(crate) weight: u64,
    /// What a purchase typically costs, in whole dollars.
    pub(crate) median_dollars: i64,
    /// How much purchases differ, in hundredths of a doubling.
    pub(crate) spread: i64,
    /// Of a thousand purchases, how many happen online.
    pub(crate) online_per_mille: u64,
    /// How much a thief likes it, up to 100: goods that sell on, money that moves.
    pub(crate) lure: u64,
}

/// Appends `mcc_codes.json`: four spaces of indent, no newline at the end, as the real file.
pub(crate) fn push_json(out: &mut Vec<u8>) {
    out.push(b'{');
    for (position, merchant_code) in MERCHANT_CODES.iter().enumerate() {
        out.extend_from_slice(if position == 0 { b"\n    \"" } else { b",\n    \"" });
        push_number(out, merchant_code.code.into());
        out.extend_from_slice(b"\": \"");
        out.extend_from_slice(merchant_code.about.as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(b"\n}");
}

const fn code(
    code: u16,
    about: &'static str,
    weight: u64,
    median_dollars: i64,
    spread: i64,
    online_per_mille: u64,
    lure: u64,
) -> MerchantCode {
    MerchantCode { code, about, weight, median_dollars, spread, online_per_mille, lure }
}

/// Every code, in the order of the file. Columns: code, description, weight, dollars, spread, online, lure.
pub(crate) static MERCHANT_CODES: [MerchantCode; 109] = [
    code(5812, "Eating Places and Restaurants", 760, 27, 63, 15, 5),
    code(5541, "Service Stations", 1060, 34, 60, 0, 10),
    code(7996, "Amusement Parks, Carnivals, Circuses", 60, 110, 63, 400, 15),
    code(5411, "Grocery Stores, Supermarkets", 1150, 26, 82, 0, 10),
    code(4784, "Tolls and Bridge Fees", 480, 25, 45, 900, 5),
    code(4900, "Utilities - Electric, Gas, Water, Sanitary", 190, 110, 60, 300, 5),
    code(5942, "Book Stores", 140, 14, 67, 250, 15),
    code(5814, "Fast Food Restaurants", 740, 13, 60, 20, 5),
    code(4829, "Money Transfer", 440, 62, 56, 80, 90),
    code(5311, "Department Stores", 370, 55, 82, 280, 60),
    code(5211, "Lumber and Building Materials", 170, 48, 67, 20, 22),
    code(5310, "Discount Stores", 210, 44, 82, 60, 45),
    code(3780, "Computer Network Services", 20, 150, 71, 600, 35),
    code(5499, "Miscellaneous Food Stores", 1080, 22, 82, 10, 5),
    code(4121, "Taxicabs and Limousines", 390, 20, 45, 450, 15),
    code(5300, "Wholesale Clubs", 460, 60, 75, 60, 40),
    code(5719, "Miscellaneous Home Furnishing Stores", 90, 44, 63, 120, 25),
    code(7832, "Motion Picture Theaters", 130, 28, 41, 100, 5),
    code(5813, "Drinking Places (Alcoholic Beverages)", 200, 34, 48, 0, 5),
    code(4814, "Telecommunication Services", 170, 95, 63, 500, 30),
    code(5661, "Shoe Stores", 35, 48, 67, 250, 28),
    code(5977, "Cosmetic Stores", 30, 22, 67, 150, 25),
    code(8099, "Medical Services", 40, 95, 75, 0, 5),
    code(7538, "Automotive Service Shops", 350, 60, 78, 0, 5),
    code(5912, "Drug Stores and Pharmacies", 580, 30, 78, 30, 20),
    code(4111, "Local and Suburban Commuter Transportation", 90, 40, 60, 50, 5),
    code(5815, "Digital Goods - Media, Books, Apps", 160, 15, 52, 1000, 35),
    code(8021, "Dentists and Orthodontists", 50, 150, 60, 0, 5),
    code(5921, "Package Stores, Beer, Wine, Liquor", 140, 14, 60, 0, 5),
    code(5655, "Sports Apparel, Riding Apparel Stores", 30, 45, 75, 50, 30),
    code(7230, "Beauty and Barber Shops", 100, 40, 56, 0, 5),
    code(3390, "Miscellaneous Metalwork", 8, 470, 71, 20, 5),
    code(7922, "Theatrical Producers", 60, 75, 52, 500, 5),
    code(3722, "Passenger Railways", 8, 274, 71, 20, 5),
    code(5651, "Family Clothing Stores", 120, 45, 82, 150, 30),
    code(4899, "Cable, Satellite, and Other Pay Television Services", 90, 130, 45, 950, 5),
    code(5251, "Hardware Stores", 50, 30, 63, 20, 5),
    code(7995, "Betting (including Lottery Tickets, Casinos)", 60, 90, 90, 300, 50),
    code(3596, "Miscellaneous Machinery and Parts Manufacturing", 8, 412, 71, 20, 5),
    code(3730, "Ship Chandlers", 8, 250, 71, 20, 5),
    code(9402, "Postal Services - Government Only", 110, 12, 45, 20, 5),
    code(7801, "Athletic Fields, Commercial Sports", 20, 120, 67, 900, 5),
    code(5970, "Artist Supply Stores, Craft Shops", 60, 36, 56, 60, 5),
    code(5932, "Antique Shops", 20, 150, 67, 50, 5),
    code(5621, "Women's Ready-To-Wear Stores", 30, 45, 82, 150, 28),
    code(7349, "Cleaning and Maintenance Services", 50, 40, 45, 450, 5),
    code(4722, "Travel Agencies", 40, 190, 82, 750, 45),
    code(5193, "Florists Supplies, Nursery Stock and Flowers", 25, 38, 52, 500, 5),
    code(3775, "Railroad Freight", 8, 315, 71, 20, 5),
    code(3684, "Semiconductors and Related Devices", 8, 468, 71, 20, 5),
    code(5045, "Computers, Computer Peripheral Equipment", 20, 170, 82, 550, 80),
    code(3504, "Gardening Supplies", 8, 208, 71, 20, 5),
    code(7011, "Lodging - Hotels, Motels, Resorts", 50, 160, 60, 100, 25),
    code(8041, "Chiropractors", 20, 110, 45, 0, 5),
    code(4214, "Motor Freight Carriers and Trucking", 130, 30, 60, 60, 5),
    code(6300, "Insurance Sales, Underwriting", 60, 150, 60, 500, 5),
    code(8011, "Doctors, Physicians", 70, 150, 60, 0, 5),
    code(3509, "Industrial Equipment and Supplies", 8, 393, 71, 20, 5),
    code(7210, "Laundry Services", 70, 12, 52, 0, 5),
    code(5192, "Books, Periodicals, Newspapers", 25, 40, 56, 500, 5),
    code(7542, "Car Washes", 90, 15, 45, 0, 5),
    code(3640, "Lighting, Fixtures, Electrical Supplies", 8, 440, 71, 20, 5),
    code(7393, "Detective Agencies, Security Services", 20, 38, 45, 500, 5),
    code(8111, "Legal Services and Attorneys", 15, 350, 60, 0, 5),
    code(3771, "Railroad Passenger Transport", 8, 167, 71, 20, 5),
    code(5732, "Electronics Stores", 60, 140, 90, 400, 90),
    code(5094, "Precious Stones and Metals", 20, 140, 112, 200, 95),
    code(5712, "Furniture, Home Furnishings, and Equipment Stores", 30, 240, 97, 150, 40),
    code(5816, "Digital Goods - Games", 70, 40, 82, 1000, 70),
    code(7802, "Recreational Sports, Clubs", 20, 110, 75, 0, 5),
    code(3389, "Non-Precious Metal Services", 8, 433, 71, 20, 5),
    code(8043, "Optometrists, Optical Goods and Eyeglasses", 30, 120, 67, 0, 5),
    code(3393, "Heat Treating Metal Services", 8, 261, 71, 20, 5),
    code(3174, "Upholstery and Drapery Stores", 8, 478, 71, 20, 5),
    code(3001, "Steel Products Manufacturing", 8, 477, 71, 20, 5),
    code(3395, "Welding Repair", 8, 335, 71, 20, 5),
    code(3058, "Tools, Parts, Supplies Manufacturing", 8, 346, 71, 20, 5),
    code(8049, "Podiatrists", 15, 110, 52, 0, 5),
    code(3387, "Electroplating, Plating, Polishing Services", 8, 359, 71, 20, 5),
    code(4112, "Passenger Railways", 20, 90, 82, 150, 25),
    code(3405, "Ironwork", 8, 385, 71, 20, 5),
    code(5261, "Lawn and Garden Supply Stores", 20, 30, 60, 50, 5),
    code(3144, "Floor Covering Stores", 6, 450, 67, 50, 5),
    code(3132, "Leather Goods", 8, 204, 71, 20, 5),
    code(3359, "Non-Ferrous Metal Foundries", 8, 283, 71, 20, 5),
    code(8931, "Accounting, Auditing, and Bookkeeping Services", 10, 130, 45, 50, 5),
    code(8062, "Hospitals", 20, 600, 75, 0, 5),
    code(7276, "Tax Preparation Services", 10, 130, 45, 150, 5),
    code(4131, "Bus Lines", 15, 70, 60, 150, 5),
    code(3260, "Pottery and Ceramics", 8, 460, 71, 20, 5),
    code(3256, "Brick, Stone, and Related Materials", 8, 312, 71, 20, 5),
    code(3006, "Miscellaneous Fabricated Metal Products", 8, 342, 71, 20, 5),
    code(7531, "Automotive Body Repair Shops", 10, 300, 67, 0, 5),
    code(1711, "Heating, Plumbing, Air Conditioning Contractors", 20, 150, 67, 20, 5),
    code(5947, "Gift, Card, Novelty Stores", 25, 22, 75, 150, 30),
    code(3007, "Coated and Laminated Products", 8, 379, 71, 20, 5),
    code(4511, "Airlines", 25, 330, 75, 900, 45),
    code(3075, "Bolt, Nut, Screw, Rivet Manufacturing", 8, 335, 71, 20, 5),
    code(3066, "Miscellaneous Metals", 8, 322, 71, 20, 5),
    code(3005, "Miscellaneous Metal Fabrication", 8, 305, 71, 20, 5),
    code(4411, "Cruise Lines", 5, 900, 82, 900, 40),
    code(3000, "Steelworks", 8, 440, 71, 20, 5),
    code(5533, "Automotive Parts and Accessories Stores", 20, 120, 75, 60, 5),
    code(3008, "Steel Drums and Barrels", 8, 416, 71, 20, 5),
    code(7549, "Towing Services", 10, 180, 67, 0, 5),
    code(5941, "Sporting Goods Stores", 25, 50, 67, 80, 25),
    code(5722, "Household Appliance Stores", 10, 300, 67, 100, 35),
    code(3009, "Fabricated Structural Metal Products", 8, 453, 71, 20, 5),
    code(5733, "Music Stores - Musical Instruments", 8, 190, 67, 150, 35),
];
