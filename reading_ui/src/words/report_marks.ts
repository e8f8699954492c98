/** Marks that stand in report texts themselves: the gateway writes and checks them, so they are the same in every language. */
export const UNCONFIRMED = '（网关测量,未经医师确认）';
export const CONFIRMED = '（网关测量，医师已核对）';
