/** Every room name, as functions. Names carry the merchant, so a wrong id can never cross tenants. */

export const storeRoom = (merchantId: string, storeId: string): string =>
  `store:${merchantId}:${storeId}`;
export const deviceRoom = (merchantId: string, deviceId: string): string =>
  `device:${merchantId}:${deviceId}`;
export const guestRoom = (merchantId: string, guestId: string): string =>
  `guest:${merchantId}:${guestId}`;
